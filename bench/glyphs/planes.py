"""The planes of Glyphs' label maps: one classification of all pixels each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.glyphs.vocabulary import Concept

MASK_SIZE = 64
"""Side of the planes, half the side of the segmenter's input."""


@dataclass(frozen=True)
class Plane:
    """One classification of all pixels.

    Attributes:
        category: Category of the labels in Broden.
        suffix: Suffix of the labels' names in Broden, which makes them unique.
        concepts: The classes; class 0 of the network is "none", class i + 1 is ``concepts[i]``.
    """

    category: str
    suffix: str
    concepts: Sequence[Concept]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes without "none"."""
        return tuple(concept.name for concept in self.concepts)

    @property
    def classes(self) -> int:
        """Number of classes, including "none"."""
        return 1 + len(self.concepts)


PLANES = (
    Plane("color", "-c", COLOURS),
    Plane("object", "", OBJECTS),
    Plane("scene", "-s", SCENES),
    Plane("texture", "", TEXTURES),
)
"""All planes, in the order of Broden's categories."""
