"""True names from a table that may cover only some units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.requirements import unmet_path
from bench.errors import UserError
from bench.parts.truths.own_names import true_names, with_lookalikes
from bench.parts.truths.table import Row, read_rows, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.downloads.requirements import Requirement
    from metrics.truth import TrueName


@dataclass(frozen=True)
class FileTruth:
    """A CSV or TSV table with a header.

    Its columns: the unit (from 0), the name, and where there are such columns `synonyms` and
    `hypernyms` (joined by ;) and `group`. A name such as ImageNet's "tench, Tinca tinca" is kept as
    it is, and its parts count as synonyms, as far as they are the class's own names
    (see `own_names.py`); what `synonyms` lists counts as it stands. Units that the table
    leaves out have no known name.

    Attributes:
        path: The file.
        unit_column: Header of the column of units.
        name_column: Header of the column of names.
    """

    summary: ClassVar[str] = "a table of units and names (CSV or TSV)"

    path: str
    unit_column: str = "unit"
    name_column: str = "name"

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Files that are not there."""
        return unmet_path(self.path, "table of names", "target.truth.params.path")

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
        cells = {row.unit: self._checked(row) for row in rows}
        own = true_names({unit: row[self.name_column] for unit, row in cells.items()})
        return with_lookalikes({unit: _completed(own[unit], cells[unit]) for unit in own})

    def _checked(self, row: Row) -> Mapping[str, str]:
        if not row.cells[self.name_column]:
            raise UserError(
                "the name is empty",
                where=row.where,
                hint="leave units without a name out of the table",
            )
        return row.cells


def _completed(own: TrueName, cells: Mapping[str, str]) -> TrueName:
    """A true name with what the table's further columns say of it."""
    return replace(
        own,
        synonyms=tuple(dict.fromkeys((*own.synonyms, *split(cells.get("synonyms", ""), ";")))),
        hypernyms=tuple(dict.fromkeys(split(cells.get("hypernyms", ""), ";"))),
        group=cells.get("group", ""),
    )
