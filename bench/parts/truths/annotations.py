"""What people wrote of a network's units, as in MILANNOTATIONS (Hernandez et al., ICLR 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.requirements import unmet_path
from bench.errors import UserError, nearest
from bench.parts.truths.table import read_rows
from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.downloads.requirements import Requirement


@dataclass(frozen=True)
class AnnotationsTruth:
    """A table with columns `layer`, `unit` and `summary`, a line for each sentence.

    The published annotations.csv has three sentences a unit. All of a unit's are its references and
    its synonyms, the first is its name.

    Attributes:
        path: The file.
        layer: Which layer's lines to take, as the table names it ("layer4", "0").
    """

    summary: ClassVar[str] = "sentences that people wrote of units (MILANNOTATIONS' table)"

    path: str
    layer: str

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Files that are not there."""
        return unmet_path(self.path, "table of annotations", "target.truth.params.path")

    def names(self) -> Mapping[int, TrueName]:
        """True name by unit.

        Raises:
            UserError: The file is missing or no such table, a sentence is empty, or no line is
                about the layer. Says which line.
        """
        return self._names

    @cached_property
    def _names(self) -> Mapping[int, TrueName]:
        columns = dict.fromkeys(("layer", "unit", "summary"), "target.truth.params.path")
        rows = read_rows(self.path, columns, "unit", columns["unit"], repeats=True)
        layers: dict[str, None] = {}
        found: dict[int, list[str]] = {}
        for row in rows:
            layers[row.cells["layer"]] = None
            if row.cells["layer"] != str(self.layer):
                continue
            if not row.cells["summary"]:
                raise UserError(
                    "the summary is empty", where=row.where, hint="leave the line out of the table"
                )
            found.setdefault(row.unit, []).append(row.cells["summary"])
        if not found:
            raise UserError(
                f"{self.path} has no line of layer {self.layer!r}",
                where="target.truth.params.layer",
                valid=nearest(str(self.layer), layers) or tuple(layers)[:20],
                hint=f"its layers are {', '.join(tuple(layers)[:20])}",
            )
        return {
            unit: TrueName(texts[0], tuple(dict.fromkeys(texts)), references=tuple(texts))
            for unit, texts in sorted(found.items())
        }
