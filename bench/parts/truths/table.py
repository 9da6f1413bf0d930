"""Tables with a header (CSV or TSV) that speak of units: read row by row, faults named by line."""

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
        unit: The unit that it is about, from 0.
        cells: Stripped cells by header.
        where: File and line, for a message.
    """

    unit: int
    cells: Mapping[str, str]
    where: str


def read_rows(
    path: str,
    columns: Mapping[str, str],
    unit_column: str,
    field: str,
    *,
    repeats: bool = False,
) -> Iterator[Row]:
    """Read a table whose lines are about one unit each; blank lines are skipped.

    Args:
        path: The file, UTF-8; cells are set apart by tabs, commas or semicolons.
        columns: The setting that chooses each column the table must have, by header.
        unit_column: Header of the column of units.
        field: The setting that the path was given in.
        repeats: Whether a unit may stand on several lines.

    Raises:
        UserError: The file is missing or no such table; a unit is no whole number from 0, or stands
            twice where it may not; there is no line at all. Says which line.
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
                hint=f'the cells are set apart by {_DELIMITERS[delimiter]}; put "quotes" '
                "around a cell that holds one",
            )
        row = {key: cell.strip() for key, cell in zip(header, cells, strict=True)}
        unit = _unit(row[unit_column], where)
        if unit in lines and not repeats:
            raise UserError(
                f"unit {unit} stands twice, first in line {lines[unit]}",
                where=where,
                hint="keep one line a unit; further names go into the column `synonyms`",
            )
        lines[unit] = reader.line_num
        yield Row(unit, row, where)
    if not lines:
        raise UserError(
            "the table names no unit", where=f"{path}:1", hint="add lines below the header"
        )


def split(joined: str, mark: str) -> tuple[str, ...]:
    """The stripped parts of a cell that holds several names, empty ones dropped."""
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
    # int() would also take "1_000", "+3" and other scripts' digits: no table means those.
    if not (cell.isascii() and cell.isdigit()):
        raise UserError(
            f"unit {cell!r} is no whole number from 0", where=where, hint="units count from 0"
        )
    return int(cell)
