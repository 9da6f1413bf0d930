"""True names from a table that may cover only some units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.lack import lack_of_path
from bench.errors import UserError
from bench.truths.table import Row, read_rows, split
from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.parts import Lack


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

    def lacks(self) -> tuple[Lack, ...]:
        """Files that are not there."""
        return lack_of_path(self.path, "table of names", "target.truth.params.path")

    def names(self) -> Mapping[int, TrueName]:
        """True name by unit.

        Raises:
            UserError: The file is missing or no such table; a unit stands twice or is no whole
                number from 0; a name is missing. Says which line.
        """
        return self._names

    @cached_property
    def _names(self) -> Mapping[int, TrueName]:
        here = "target.truth.params"
        columns = {
            self.unit_column: f"{here}.unit_column",
            self.name_column: f"{here}.name_column",
        }
        rows = read_rows(self.path, columns, self.unit_column, f"{here}.path")
        return {row.unit: self._true_name(row) for row in rows}

    def _true_name(self, row: Row) -> TrueName:
        name = row.cells[self.name_column]
        if not name:
            raise UserError(
                "the name is empty",
                where=row.where,
                cure="leave units without a name out of the table",
            )
        synonyms = (*split(name, ","), *split(row.cells.get("synonyms", ""), ";"))
        return TrueName(
            name,
            tuple(dict.fromkeys(synonyms)) or (name,),
            tuple(dict.fromkeys(split(row.cells.get("hypernyms", ""), ";"))),
            row.cells.get("group", ""),
        )
