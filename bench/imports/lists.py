"""Labels as Python lists in one cell: "[('fish', 0.31), ('river', 0.12)]"."""

from __future__ import annotations

import ast
import math
import re
from io import StringIO
from itertools import pairwise
from tokenize import NL, STRING, TokenError, generate_tokens
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.imports.table import column_setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.imports.table import Line

Ranked = tuple[tuple[str, float], ...]
"""Labels of a unit with their scores (NaN for none), best first."""

_LIST = re.compile(
    r"""\s*(?:
        [\[{]\s*[\[(]?\s*\w?['"].*         # a quoted text in a bracket, maybe truncated
      | [\[{](?:\s*|.*[,'"].*)[\]}]\s*      # empty, or quotes or commas in brackets
      | \(\s*[\[(]?\s*['"].*\)\s*          # a tuple, but not a formula: (a AND b)
      | [\w.]+\(\s*[\[{].*\)\s*            # array([...])
    )""",
    re.DOTALL | re.VERBOSE,
)
"""Cells that look like lists, even if they cannot be read."""
_MAX_LENGTH = 100_000
"""Maximum characters of a list; far more would exhaust Python's parser."""


def read_lists(lines: Sequence[Line], column: str) -> list[Ranked] | None:
    """Read a column whose cells are lists of labels, or of pairs of a label and its score.

    Args:
        lines: The table's lines.
        column: The column of labels; empty cells are units without a label.

    Returns:
        The labels of each line; None if no cell looks like a list.

    Raises:
        UserError: Some cells look like lists and another cannot be read as one, or the scores of a
            list increase.
    """
    cells = [line.cells.get(column) for line in lines]
    if not any(map(_looks_like_list, cells)):
        return None
    found = []
    for line, cell in zip(lines, cells, strict=True):
        ranked = _read(cell)
        if ranked is None:
            raise UserError(
                f"label {_shorten(cell)} is not a list, unlike others of the column"
                if not _looks_like_list(cell)
                else f"label {_shorten(cell)} looks like a list, but cannot be read as one",
                where=line.where,
                hint="lists are ['fish', 'river'] or [('fish', 0.31), ('river', 0.12)] in every "
                "line; or write one line per label, with a column of ranks: "
                + column_setting("rank"),
            )
        scores = [score for _, score in ranked if not math.isnan(score)]
        if scores != sorted(scores, reverse=True):
            raise UserError(
                f"the scores of {_shorten(cell)} are not in descending order",
                where=line.where,
                hint="sort each list by descending score; or leave the scores out",
            )
        found.append(ranked)
    return found


def _looks_like_list(cell: Any) -> bool:
    if isinstance(cell, str):
        return _LIST.fullmatch(cell) is not None
    return isinstance(cell, list | dict) and bool(cell)


def _read(cell: Any) -> Ranked | None:
    """Return the labels of a cell; None if it is not a list of labels."""
    if cell is None or cell == "":
        return ()
    if isinstance(cell, str):
        if len(cell) > _MAX_LENGTH:
            return None
        try:
            if _has_joined_texts(cell):
                return None
            cell = ast.literal_eval(cell.strip())
        except (ValueError, SyntaxError, TokenError, MemoryError, RecursionError):
            return None
    if isinstance(cell, dict):
        cell = list(cell.items())
    if not isinstance(cell, list | tuple):
        return None
    pairs = [item if isinstance(item, list | tuple) else (item, math.nan) for item in cell]
    if not all(_is_pair(pair) for pair in pairs):
        return None
    # Drop empty labels, as in tables with one label per line.
    return tuple((label.strip(), float(score)) for label, score in pairs if label.strip())


def _has_joined_texts(cell: str) -> bool:
    """Return whether two strings are adjacent, as NumPy prints them; Python would join them."""
    kinds = [
        token.type for token in generate_tokens(StringIO(cell.strip()).readline) if token.type != NL
    ]
    return any(kind == STRING == after for kind, after in pairwise(kinds))


def _is_pair(pair: Sequence[Any]) -> bool:
    if len(pair) != 2 or not isinstance(pair[0], str):
        return False
    return isinstance(pair[1], int | float) and not isinstance(pair[1], bool)


def _shorten(cell: Any) -> str:
    text = repr(cell)
    return text if len(text) <= 80 else f"{text[:77]}..."
