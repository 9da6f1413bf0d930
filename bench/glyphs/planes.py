"""The planes of Glyphs' label maps: one question each that is asked of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES

MASK_SIZE = 64
"""Side of the planes: half of that of the segmenter's input."""


@dataclass(frozen=True)
class Plane:
    """One question that is asked of each pixel.

    Attributes:
        category: Its name, as Broden calls such labels.
        suffix: What Broden puts behind the labels' names, so that none stands for two things.
        names: Its classes as the vocabulary has them; class 0 of the network is "none", class
            i + 1 is ``names[i]``.
    """

    category: str
    suffix: str
    names: tuple[str, ...]

    @property
    def classes(self) -> int:
        """Logits of the plane, "none" included."""
        return 1 + len(self.names)


PLANES = (
    Plane("color", "-c", tuple(entry.name for entry in COLOURS)),
    Plane("object", "", tuple(entry.name for entry in OBJECTS)),
    Plane("scene", "-s", tuple(entry.name for entry in SCENES)),
    Plane("texture", "", tuple(entry.name for entry in TEXTURES)),
)
"""In the order of Broden's categories."""
