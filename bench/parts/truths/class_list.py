"""True names from a list of a network's classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.paths import read_text
from bench.errors import UserError
from bench.parts.truths.base import CachedTruth
from bench.parts.truths.class_names import add_lookalikes, true_names
from bench.parts.truths.table import read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrics.truth import TrueName


@dataclass(frozen=True)
class ClassListTruth(CachedTruth):
    """A text file whose line i + 1 names unit i, such as ImageNet's and Places365's class lists.

    The name of a line such as "tench, Tinca tinca" is the whole line; its parts are synonyms unless
    they belong to other classes (`bench.parts.truths.class_names`).

    Attributes:
        path: The list.
        units: A table (CSV or TSV with a header) of the units to score, for probe sets that show
            only some classes; all units if empty.
        unit_column: Header of its column of units.
    """

    summary: ClassVar[str] = (
        "a class list, one line per unit; a table may select the units to score"
    )
    reads = (("path", "list of classes"), ("units", "table of units"))

    path: str
    units: str = ""
    unit_column: str = "unit"

    def _read(self) -> Mapping[int, TrueName]:
        lines = self._lines()
        known = add_lookalikes(true_names(dict(enumerate(lines))))
        if not self.units:
            return known
        names = {}
        here = "target.truth.params"
        columns = {self.unit_column: f"{here}.unit_column"}
        for row in read_rows(self.units, columns, self.unit_column, f"{here}.units"):
            if row.unit >= len(lines):
                raise UserError(
                    f"unit {row.unit} has no name: {self.path} has {len(lines)} lines",
                    where=row.where,
                    hint="line i + 1 of the class list names unit i",
                )
            names[row.unit] = known[row.unit]
        return names

    def _lines(self) -> list[str]:
        text = read_text(self.path, "target.truth.params.path")
        lines = [line.strip() for line in text.rstrip().split("\n")]
        for number, line in enumerate(lines, start=1):
            if not line:
                raise UserError(
                    "the line names no unit",
                    where=f"{self.path}:{number}",
                    hint="every line names one unit; a blank line would shift the others",
                )
        return lines
