"""The names of the embedded world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True)
class GlyphsConcepts:
    """Names of Glyphs' vocabulary.

    Attributes:
        kind: "objects", "scenes", or "all" (objects, scenes, colours and textures).
    """

    summary: ClassVar[str] = "the names of the embedded world"

    kind: Literal["objects", "scenes", "all"] = "all"

    def words(self) -> tuple[str, ...]:
        """Return the names, in the order of the vocabulary."""
        from bench.glyphs import vocabulary

        if self.kind == "all":
            return vocabulary.all_concepts()
        group = vocabulary.OBJECTS if self.kind == "objects" else vocabulary.SCENES
        return tuple(dict.fromkeys(entry.name for entry in group))

    def notes(self) -> tuple[str, ...]:
        """Return nothing, since nothing is dropped."""
        return ()
