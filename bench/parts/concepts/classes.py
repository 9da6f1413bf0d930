"""Names of the classes of ImageNet and Places365, from the shipped lists."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal


@dataclass(frozen=True)
class ClassConcepts:
    """The classes of ImageNet or Places365, in the order of their numbers.

    ImageNet's are whole lines, "tench, Tinca tinca", as in the published code of CLIP-Dissect
    (Oikarinen & Weng, ICLR 2023, tables 1 and 3). They equal the names of the truths `imagenet` and
    `places365`.

    Attributes:
        kind: "imagenet" or "places365".
        first_name: Use only the first of ImageNet's synonyms; Places365's classes have one name.
    """

    summary: ClassVar[str] = "the class names of ImageNet or Places365"

    kind: Literal["imagenet", "places365"] = "imagenet"
    first_name: bool = False

    def words(self) -> tuple[str, ...]:
        """Return the names without duplicates."""
        return tuple(dict.fromkeys(self._names))

    def notes(self) -> tuple[str, ...]:
        """Return the names that several classes share."""
        left = Counter(self._names)
        left.subtract(self.words())
        again = sorted(left.elements())
        if not again:
            return ()
        classes = "class" if len(again) == 1 else "classes"
        return (f"dropped {len(again)} {classes} with an earlier one's name: {', '.join(again)}",)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        from bench.parts.truths import ImageNetTruth, Places365Truth

        truth = (ImageNetTruth() if self.kind == "imagenet" else Places365Truth()).names()
        names = tuple(truth[unit].name for unit in sorted(truth))
        return tuple(name.split(",")[0] for name in names) if self.first_name else names
