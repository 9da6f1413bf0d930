"""The list of scene painters, in the order of the vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.glyphs import scenes_built, scenes_nature
from bench.glyphs.raster import Array, Draw, clamp
from bench.glyphs.vocabulary import SCENES

if TYPE_CHECKING:
    from collections.abc import Callable

PAINTERS: tuple[Callable[[Draw], Array], ...] = tuple(
    (vars(scenes_nature) | vars(scenes_built))[entry.name.replace(" ", "_")] for entry in SCENES
)


def paint_scene(scene: int, draw: Draw) -> Array:
    """Paint a scene by its index: an image [SIZE, SIZE, 3] with values in 0..1."""
    return clamp(PAINTERS[scene](draw))
