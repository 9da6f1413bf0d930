"""Tables of units with a header (CSV or TSV)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.downloads.paths import read_text
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons"}


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        unit: Its unit, from 0.
        cells: Stripped cells by header.
        where: File and line, for messages.
    """

    unit: int
    cells: Mapping[str, str]
    where: str


def read_rows(
    path: str, columns: Mapping[str, str], unit_column: str, field: str, *, repeats: bool = False
) -> Iterator[Row]:
    """Yield the rows of a table with one unit per line; skip blank lines.

    Args:
        path: The file, UTF-8, with tabs, commas or semicolons between cells.
        columns: The config key of each required column, by header.
        unit_column: Header of the column of units.
        field: The config key of the path.
        repeats: Whether a unit may have several lines.

    Raises:
        UserError: The file is missing or not such a table, a unit is not a whole number from 0 or
            appears twice although it may not, or there are no lines.
    """
    text = read_text(path, field)
    delimiter = _delimiter(text.split("\n", 1)[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [cell.strip() for cell in next(reader, [])]
    _check_header(path, header, columns)
    lines: dict[int, int] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}:{reader.line_num}"
        if len(cells) != len(header):
            raise UserError(
                f"{len(cells)} cells where the header has {len(header)}",
                where=where,
                hint=f'{_DELIMITERS[delimiter]} separate the cells; put "quotes" around a cell '
                "that contains one",
            )
        row = {key: cell.strip() for key, cell in zip(header, cells, strict=True)}
        unit = _unit(row[unit_column], where)
        if unit in lines and not repeats:
            raise UserError(
                f"unit {unit} appears twice, first in line {lines[unit]}",
                where=where,
                hint="keep one line per unit; put further names into the column `synonyms`",
            )
        lines[unit] = reader.line_num
        yield Row(unit, row, where)
    if not lines:
        raise UserError(
            "the table contains no unit", where=f"{path}:1", hint="add lines below the header"
        )


def split(joined: str, mark: str) -> tuple[str, ...]:
    """Split a cell of several names; strip the parts and drop empty ones."""
    return tuple(part.strip() for part in joined.split(mark) if part.strip())


def _check_header(path: str, header: list[str], columns: Mapping[str, str]) -> None:
    for column, setting in columns.items():
        if column not in header:
            raise UserError(
                f"the table has no column {column!r}; its header is {', '.join(header)!r}",
                where=f"{path}:1",
                valid=nearest(column, header),
                hint=f"add a header, or set {setting}",
            )


def _delimiter(header: str) -> str:
    return next((mark for mark in _DELIMITERS if mark in header), ",")


def _unit(cell: str, where: str) -> int:
    # int() also accepts "1_000", "+3" and digits of other scripts.
    if not (cell.isascii() and cell.isdigit()):
        raise UserError(
            f"unit {cell!r} is not a whole number from 0", where=where, hint="units count from 0"
        )
    return int(cell)
