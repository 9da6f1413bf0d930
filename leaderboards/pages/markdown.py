"""Markdown: escaped names, and tables that are readable as plain text."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCREEN = 120
"""Width in characters up to which a table is padded."""

MOST_COLUMNS = 7
"""Columns of a table that fit a page."""

_SPECIAL = re.compile(r"([\\`*|\[\]~$])")
_EDGE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def clean(text: str, limit: int = 100) -> str:
    """Return one line of printable characters, cut to `limit`."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def escape(text: str, limit: int = 100) -> str:
    """Escape a text for a Markdown table on a page that allows HTML.

    Underscores inside words need no escape in Markdown.
    """
    safe = _SPECIAL.sub(r"\\\1", html.escape(clean(text, limit), quote=False))
    return _EDGE_UNDERSCORE.sub(r"\\_", safe)


def quoted(text: str, limit: int = 100) -> str:
    """Return a text as a code span; not for tables, where a bar would end the cell."""
    return f"`{clean(text, limit).replace('`', chr(39))}`"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, keys: int = 1) -> str:
    """Return a pipe table; one of more than `MOST_COLUMNS` columns as several, below each other.

    Args:
        header: Escaped titles.
        rows: Escaped cells, as many as titles.
        keys: Leading columns that each of several tables repeats; rows without a value in a table
            are left out of it.
    """
    others = len(header) - keys
    parts = -(-others // (MOST_COLUMNS - keys))
    if parts < 2:
        return _table(header, rows)
    size = -(-others // parts)
    tables = []
    for start in range(keys, len(header), size):
        own = [[*row[:keys], *row[start : start + size]] for row in rows]
        own = [row for row in own if any(cell not in ("", "—") for cell in row[keys:])]
        tables.append(_table([*header[:keys], *header[start : start + size]], own))
    return "\n\n".join(tables)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return one pipe table, its first column aligned left and the others right.

    Cells are padded where the lines fit a screen. Wider tables wrap as plain text anyway, and
    padding doubles the size of a page.
    """
    columns = list(zip(header, *rows, strict=True))
    widths = [max(3, *(len(cell) for cell in column)) for column in columns]
    if sum(widths) + 3 * len(widths) + 1 > _SCREEN:
        widths = [3] * len(widths)
    lines = [_line(header, widths)]
    rules = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    lines.append(f"| {' | '.join(rules)} |")
    lines += [_line(row, widths) for row in rows]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return f"| {' | '.join([first, *rest])} |"
