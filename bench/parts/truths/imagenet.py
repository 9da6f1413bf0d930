"""True names of an ImageNet network's final layer, from the list that ships with the package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.paths import read_text
from bench.errors import UserError, nearest
from bench.parts.truths.base import CachedTruth
from bench.parts.truths.class_list import ClassListTruth
from bench.parts.truths.shipped import IMAGENET, imagenet_synsets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrics.truth import TrueName

_SYNSETS = "target.truth.params.synsets"


@dataclass(frozen=True)
class ImageNetTruth(CachedTruth):
    """The 1,000 classes of ILSVRC 2012, "tench, Tinca tinca" first.

    For another list or order, use `class_list`. If the probe set shows only some classes, one of
    two files can select the units to score.

    Attributes:
        units: A table (CSV or TSV with a header) of units; all units if empty.
        unit_column: Header of its column of units.
        synsets: A text file of the classes' synsets, one per line, such as Tiny-ImageNet's
            wnids.txt; all units if empty.
    """

    summary: ClassVar[str] = "the 1,000 classes of ImageNet; a file may select the units to score"
    reads = (("units", "table of units"), ("synsets", "list of synsets"))

    units: str = ""
    unit_column: str = "unit"
    synsets: str = ""

    def __post_init__(self) -> None:
        if self.units and self.synsets:
            raise UserError(
                "both a table of units and a list of synsets are given",
                where=_SYNSETS,
                hint="give one of target.truth.params.units and .synsets",
            )

    def _read(self) -> Mapping[int, TrueName]:
        names = ClassListTruth(str(IMAGENET), self.units, self.unit_column).names()
        return {unit: names[unit] for unit in self._units()} if self.synsets else names

    def _units(self) -> list[int]:
        """Return the units of the listed synsets, ascending."""
        classes = imagenet_synsets()
        units = set()
        for number, line in enumerate(read_text(self.synsets, _SYNSETS).split("\n"), start=1):
            synset = line.strip()
            if synset and synset not in classes:
                raise UserError(
                    f"{synset!r} is not a synset of ImageNet's 1,000 classes",
                    where=f"{self.synsets}:{number}",
                    valid=nearest(synset, classes),
                    hint="give one synset per line, such as n01440764",
                )
            units |= {classes[synset]} if synset else set()
        if not units:
            raise UserError("the list names no synset", where=f"{self.synsets}:1")
        return sorted(units)
