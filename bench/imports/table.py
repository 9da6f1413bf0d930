"""Tables of labels: CSV, TSV or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from bench.downloads.paths import read_text
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_JSON_LINES = {".jsonl", ".ndjson", ".json"}


@dataclass(frozen=True)
class Line:
    """One line of a table.

    Attributes:
        cells: Stripped texts by column; in JSON lines any values.
        where: File and line, for messages.
    """

    cells: Mapping[str, Any]
    where: str


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: Its columns in order; in JSON lines, those of any line.
        lines: Its lines, without blank ones.
        kind: The delimiter, "commas", "tabs", ..., or "JSON lines".
    """

    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    kind: str


def read_table(path: str, wanted: Mapping[str, str]) -> Table:
    """Read a table of any kind.

    Args:
        path: The file, UTF-8. Its extension indicates JSON lines; the delimiter of other files is
            detected in the header.
        wanted: The command-line option of each required column, by column.

    Raises:
        UserError: The file is missing, not UTF-8, empty, or not such a table; or a column is
            missing.
    """
    text = read_text(path, "FILE")
    if PurePath(path).suffix.lower() in _JSON_LINES:
        table = _json_lines(path, text)
    else:
        table = _delimited(path, text, wanted)
    if not table.lines:
        raise UserError(
            "the table is empty",
            where=f"{path}:1",
            hint="add a line for each unit with a label",
        )
    require_columns(path, table, wanted)
    return table


def column_setting(name: str) -> str:
    """Return how to name a column on the command line, and in Python."""
    return f"--{name}-column COLUMN or Columns({name}=COLUMN)"


def require_columns(path: str, table: Table, wanted: Mapping[str, str]) -> None:
    """Check that a table has the required columns.

    Raises:
        UserError: One is missing; lists similar ones.
    """
    for column, setting in wanted.items():
        if column not in table.columns:
            raise UserError(
                f"the table has no column {column!r}; it has {_listed(table.columns)}",
                where=f"{path}:1",
                valid=nearest(column, table.columns),
                hint=f"name the column: {setting}",
            )


def _listed(columns: Sequence[str], limit: int = 12) -> str:
    more = f" and {len(columns) - limit} more" if len(columns) > limit else ""
    return ", ".join(repr(name) for name in columns[:limit]) + more


def _delimited(path: str, text: str, wanted: Mapping[str, str]) -> Table:
    delimiter = _delimiter(text, wanted)
    rows = _rows(path, text, delimiter)
    _, header = next(rows, (1, []))
    columns = tuple(cell.strip() for cell in header)
    for column in wanted:
        if columns.count(column) > 1:
            raise UserError(
                f"the header has two columns {column!r}",
                where=f"{path}:1",
                hint="rename one of them",
            )
    lines = []
    for number, cells in rows:
        where = f"{path}:{number}"
        if len(cells) != len(columns):
            raise UserError(
                f"{len(cells)} cells where the header has {len(columns)}",
                where=where,
                hint=f'{DELIMITERS[delimiter]} separate the cells; put "quotes" around a cell that '
                "contains one",
            )
        texts = (cell.strip() for cell in cells)
        lines.append(Line(dict(zip(columns, texts, strict=True)), where))
    return Table(columns, tuple(lines), DELIMITERS[delimiter])


def _rows(path: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield non-empty rows with the number of their last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise UserError(
            f"not a readable table: {error}",
            where=f"{path}:{reader.line_num}",
            hint='"quotes" around a cell must be closed, and doubled inside it',
        ) from error


def _delimiter(text: str, wanted: Mapping[str, str]) -> str:
    """Detect the delimiter that gives most of the required columns.

    Of several, the most frequent one in the header; a comma if there is none.
    """
    header = next((line for line in text.split("\n") if line.strip()), "")

    def count(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip() for cell in next(csv.reader([header], delimiter=delimiter), [])]
        return len(set(cells) & set(wanted)), len(cells)

    return max(DELIMITERS, key=count)


def _json_lines(path: str, text: str) -> Table:
    lines = []
    columns: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            column = getattr(error, "colno", 1)
            raise UserError(
                f"the line is not JSON (at character {column})",
                where=where,
                hint='every line is an object such as {"unit": 0, "label": "tench"}',
            ) from error
        if not isinstance(value, dict):
            raise UserError(
                "the line is not a JSON object",
                where=where,
                hint='every line is an object such as {"unit": 0, "label": "tench"}',
            )
        columns |= dict.fromkeys(value)
        cells = {k: v.strip() if isinstance(v, str) else v for k, v in value.items()}
        lines.append(Line(cells, where))
    return Table(tuple(columns), tuple(lines), "JSON lines")
