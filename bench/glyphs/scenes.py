"""The list of scene painters, in the order of the vocabulary."""

from __future__ import annotations

from collections.abc import Callable

from bench.glyphs import scenes_built, scenes_nature
from bench.glyphs.raster import Array, Draw, clamp
from bench.glyphs.vocabulary import SCENES

Painter = Callable[[Draw], Array]


def _painter(name: str) -> Painter:
    function = name.replace(" ", "_")
    for module in (scenes_nature, scenes_built):
        painter: Painter | None = getattr(module, function, None)
        if painter is not None:
            return painter
    message = f"no painter for the scene {name!r}"
    raise LookupError(message)


PAINTERS: tuple[Painter, ...] = tuple(_painter(entry.name) for entry in SCENES)


def paint_scene(scene: int, draw: Draw) -> Array:
    """Paint a scene.

    Args:
        scene: Index into ``SCENES``.
        draw: Random stream of the scene.

    Returns:
        Image [SIZE, SIZE, 3] with values in 0..1.
    """
    return clamp(PAINTERS[scene](draw))
