"""True names of an ImageNet network's final layer, from the list that ships with the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.lack import lack_of_path
from bench.truths.class_list import ClassListTruth
from bench.truths.shipped import IMAGENET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.parts import Lack
    from metrics.truth import TrueName


@dataclass(frozen=True)
class ImageNetTruth:
    """The 1,000 classes of ILSVRC 2012, "tench, Tinca tinca" and so on.

    A list of another file, or in another order, is `class_list`.

    Attributes:
        units: A table (CSV or TSV with a header) of the units to score, where the probe set shows
            only some classes; empty scores all.
        unit_column: Header of its column of units.
    """

    summary: ClassVar[str] = "the 1,000 classes of ImageNet; a table may pick the units to score"

    units: str = ""
    unit_column: str = "unit"

    def lacks(self) -> tuple[Lack, ...]:
        """Files that are not there."""
        return lack_of_path(self.units, "table of units", "target.truth.params.units")

    def names(self) -> Mapping[int, TrueName]:
        """True name by unit.

        Raises:
            UserError: The table of units is missing or asks for a unit from 1,000. Says which line.
        """
        return self._names

    @cached_property
    def _names(self) -> Mapping[int, TrueName]:
        return ClassListTruth(str(IMAGENET), self.units, self.unit_column).names()
