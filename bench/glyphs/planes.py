"""The planes of Glyphs' label maps: one classification of all pixels each."""

from __future__ import annotations

from dataclasses import dataclass

from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES

MASK_SIZE = 64
"""Side of the planes, half the side of the segmenter's input."""


@dataclass(frozen=True)
class Plane:
    """One classification of all pixels.

    Attributes:
        category: Category of the labels in Broden.
        suffix: Suffix of the labels' names in Broden, which makes them unique.
        names: Names of the classes; class 0 of the network is "none", class i + 1 is
            ``names[i]``.
    """

    category: str
    suffix: str
    names: tuple[str, ...]

    @property
    def classes(self) -> int:
        """Number of classes, including "none"."""
        return 1 + len(self.names)


PLANES = (
    Plane("color", "-c", tuple(entry.name for entry in COLOURS)),
    Plane("object", "", tuple(entry.name for entry in OBJECTS)),
    Plane("scene", "-s", tuple(entry.name for entry in SCENES)),
    Plane("texture", "", tuple(entry.name for entry in TEXTURES)),
)
"""All planes, in the order of Broden's categories."""
