"""True names from a table, which may cover only some units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError
from bench.parts.truths.base import CachedTruth
from bench.parts.truths.class_names import add_lookalikes, true_names
from bench.parts.truths.table import Row, read_rows, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrics.truth import TrueName


@dataclass(frozen=True)
class FileTruth(CachedTruth):
    """A CSV or TSV table with a header.

    Its columns are the unit (from 0) and the name, and optionally `synonyms` and `hypernyms`
    (joined by ;) and `group`. The name of a line such as "tench, Tinca tinca" is the whole text;
    its parts are synonyms unless they belong to other classes (`bench.parts.truths.class_names`);
    those in `synonyms` always are. Units without a line have no true name.

    Attributes:
        path: The file.
        unit_column: Header of the column of units.
        name_column: Header of the column of names.
    """

    summary: ClassVar[str] = "a table of units and names (CSV or TSV)"
    reads = (("path", "table of names"),)

    path: str
    unit_column: str = "unit"
    name_column: str = "name"

    def _read(self) -> Mapping[int, TrueName]:
        here = "target.truth.params"
        columns = {
            self.unit_column: f"{here}.unit_column",
            self.name_column: f"{here}.name_column",
        }
        rows = read_rows(self.path, columns, self.unit_column, f"{here}.path")
        cells = {row.unit: self._check(row) for row in rows}
        own = true_names({unit: row[self.name_column] for unit, row in cells.items()})
        return add_lookalikes({unit: _complete(own[unit], cells[unit]) for unit in own})

    def _check(self, row: Row) -> Mapping[str, str]:
        if not row.cells[self.name_column]:
            raise UserError(
                "the name is empty",
                where=row.where,
                hint="remove units without a name from the table",
            )
        return row.cells


def _complete(own: TrueName, cells: Mapping[str, str]) -> TrueName:
    """Return a true name with the synonyms, hypernyms and group of the table."""
    return replace(
        own,
        synonyms=tuple(dict.fromkeys((*own.synonyms, *split(cells.get("synonyms", ""), ";")))),
        hypernyms=tuple(dict.fromkeys(split(cells.get("hypernyms", ""), ";"))),
        group=cells.get("group", ""),
    )
