"""Descriptions of units by people, as in MILANNOTATIONS (Hernandez et al., ICLR 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError, nearest
from bench.parts.truths.base import CachedTruth
from bench.parts.truths.table import read_rows
from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class AnnotationsTruth(CachedTruth):
    """A table with columns `layer`, `unit` and `summary`, one line per sentence.

    The published annotations.csv has three sentences per unit. All of them are references and
    synonyms of the unit; the first is its name.

    Attributes:
        path: The file.
        layer: The layer whose lines are read, as the table names it ("layer4", "0").
    """

    summary: ClassVar[str] = "sentences by people about units (MILANNOTATIONS' table)"
    reads = (("path", "table of annotations"),)

    path: str
    layer: str

    def _read(self) -> Mapping[int, TrueName]:
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
                    "the summary is empty", where=row.where, hint="remove the line from the table"
                )
            found.setdefault(row.unit, []).append(row.cells["summary"])
        if not found:
            raise UserError(
                f"{self.path} has no line of layer {self.layer!r}",
                where="target.truth.params.layer",
                valid=nearest(str(self.layer), layers),
                hint=f"its layers are {', '.join(tuple(layers)[:20])}",
            )
        return {
            unit: TrueName(texts[0], tuple(dict.fromkeys(texts)), references=tuple(texts))
            for unit, texts in sorted(found.items())
        }
