"""True names from a table that may cover only some units."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError, nearest
from bench.files import read_text
from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Mapping

_DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons"}


@dataclass(frozen=True)
class FileTruth:
    """A CSV or TSV table with a header.

    Its columns: the unit (from 0), the name, and where there are such columns `synonyms` and
    `hypernyms` (joined by ;) and `group`. A name such as ImageNet's "tench, Tinca tinca" is kept as
    it is, and its parts count as synonyms. Units that the table leaves out have no known name.

    Attributes:
        path: The file.
        unit_column: Header of the column of units.
        name_column: Header of the column of names.
    """

    summary: ClassVar[str] = "a table of units and names (CSV or TSV)"

    path: str
    unit_column: str = "unit"
    name_column: str = "name"

    def names(self) -> Mapping[int, TrueName]:
        """True name by unit.

        Raises:
            UserError: The file is missing or no such table; a unit stands twice or is no whole
                number from 0; a name is missing. Says which line.
        """
        return self._names

    @cached_property
    def _names(self) -> Mapping[int, TrueName]:
        text = read_text(self.path, "target.truth.params.path")
        delimiter = _delimiter(text.split("\n", 1)[0])
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = [cell.strip() for cell in next(reader, [])]
        self._check_header(header)
        names: dict[int, TrueName] = {}
        lines: dict[int, int] = {}
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{self.path}:{reader.line_num}"
            if len(cells) != len(header):
                raise UserError(
                    f"{len(cells)} cells where the header has {len(header)}",
                    where=where,
                    cure=f'the cells are set apart by {_DELIMITERS[delimiter]}; put "quotes" '
                    "around a cell that holds one",
                )
            row = {key: cell.strip() for key, cell in zip(header, cells, strict=True)}
            unit = _unit(row[self.unit_column], where)
            if unit in names:
                raise UserError(
                    f"unit {unit} stands twice, first in line {lines[unit]}",
                    where=where,
                    cure="keep one line a unit; further names go into the column `synonyms`",
                )
            names[unit] = self._true_name(row, where)
            lines[unit] = reader.line_num
        if not names:
            raise UserError(
                "the table names no unit", where=f"{self.path}:1", cure="add lines below the header"
            )
        return names

    def _check_header(self, header: list[str]) -> None:
        for column, field in ((self.unit_column, "unit_column"), (self.name_column, "name_column")):
            if column not in header:
                raise UserError(
                    f"the table has no column {column!r}; its header is {', '.join(header)!r}",
                    where=f"{self.path}:1",
                    valid=nearest(column, header),
                    cure=f"add a header, or set target.truth.params.{field}",
                )

    def _true_name(self, row: Mapping[str, str], where: str) -> TrueName:
        name = row[self.name_column]
        if not name:
            raise UserError(
                "the name is empty", where=where, cure="leave units without a name out of the table"
            )
        synonyms = (*_split(name, ","), *_split(row.get("synonyms", ""), ";"))
        return TrueName(
            name,
            tuple(dict.fromkeys(synonyms)) or (name,),
            tuple(dict.fromkeys(_split(row.get("hypernyms", ""), ";"))),
            row.get("group", ""),
        )


def _delimiter(header: str) -> str:
    return next((mark for mark in _DELIMITERS if mark in header), ",")


def _split(joined: str, mark: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in joined.split(mark) if part.strip())


def _unit(cell: str, where: str) -> int:
    # int() would also take "1_000", "+3" and other scripts' digits: no table means those.
    if not (cell.isascii() and cell.isdigit()):
        raise UserError(
            f"unit {cell!r} is no whole number from 0", where=where, cure="units count from 0"
        )
    return int(cell)
