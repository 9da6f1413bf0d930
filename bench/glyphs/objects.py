"""Paint one object: distance fields, texture, outline, and its coverage mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.glyphs.raster import (
    CLIP,
    SIZE,
    Array,
    Draw,
    Rgb,
    box,
    clamp,
    cosine,
    outline,
    sample,
    sine,
    wave,
)
from bench.glyphs.vocabulary import COLOURS, OBJECTS, TEXTURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WHITE = 0.96
_DARK = 0.07


@dataclass(frozen=True)
class Placement:
    """All settings of one drawn object.

    Attributes:
        object_id: Index into ``OBJECTS``; `colour_id` and `texture_id` likewise.
        x: Centre, in pixels from the left.
        y: Centre, in pixels from the top.
        size: Longer side of the glyph in pixels.
        angle: Rotation in radians.
        stretch: Width over height relative to the glyph's own.
        mirror: Whether to mirror it.
        fill: The jittered fill colour, 0..1.
        period: Texture period as a share of the size.
        phase: Texture phase, 0..1.
        line: Width of the outline in pixels; 0 for none.
        opacity: 1 for a solid object, less for a faded one.
    """

    object_id: int
    colour_id: int
    texture_id: int
    x: float
    y: float
    size: float
    angle: float
    stretch: float
    mirror: bool
    fill: Rgb
    period: float
    phase: float
    line: float
    opacity: float


def place(draw: Draw, object_id: int, small: bool) -> Placement:
    """Draw the placement of the main object, or of a second, small one."""
    colour_id, texture_id = draw.below(len(COLOURS)), draw.below(len(TEXTURES))
    size = draw.uniform(22, 34) if small else draw.uniform(46, 96)
    margin = size * 0.42
    r, g, b = COLOURS[colour_id].rgb
    return Placement(
        object_id=object_id,
        colour_id=colour_id,
        texture_id=texture_id,
        x=draw.uniform(margin, SIZE - margin),
        y=draw.uniform(margin, SIZE - margin),
        size=size,
        angle=draw.uniform(-0.45, 0.45),
        stretch=draw.uniform(0.86, 1.16),
        mirror=draw.chance(0.5) and OBJECTS[object_id].mirror,
        fill=draw.colour((r / 255, g / 255, b / 255), 0.045),
        period=draw.uniform(0.15, 0.24),
        phase=draw.uniform(0, 1),
        line=draw.uniform(1.0, 2.1) if draw.chance(0.88) else 0.0,
        opacity=draw.uniform(0.66, 0.85) if draw.chance(0.15) else 1.0,
    )


def luminance(colour: Rgb) -> float:
    """Return the perceived brightness of a colour, 0..1."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _tile(texture_id: int, u: Array, v: Array, period: float, phase: float) -> Array | None:
    """Return where the second tone of a texture is (soft 0..1), or None for plain."""
    p, q = u / period + phase, v / period + phase
    pattern: Array
    if texture_id == 1:
        pattern = wave(p + 0.5 * q)
    elif texture_id == 2:
        dx, dy = p - np.floor(p) - 0.5, q - np.floor(q) - 0.5
        pattern = 1.3 - 2.4 * np.sqrt(dx * dx + dy * dy)
    elif texture_id == 3:
        odd = np.floor(p) + np.floor(q)
        pattern = odd - 2 * np.floor(odd / 2)
    elif texture_id == 4:
        pattern = wave(q + 0.9 * np.abs(p - np.floor(p) - 0.5))
    else:
        return None
    return clamp((pattern - 0.5) * 6 + 0.5)


def _second_tone(fill: Rgb) -> Rgb:
    """Return a clearly lighter or darker tone of the same colour."""
    target = 1.0 if luminance(fill) < 0.45 else 0.0
    share = 0.5 if target == 1.0 else 0.38
    r, g, b = (c + (target - c) * share for c in fill)
    return r, g, b


def paint_object(image: Array, where: Placement) -> NDArray[np.bool_]:
    """Paint an object into an image [SIZE, SIZE, 3], in place.

    Returns:
        The object's mask [SIZE, SIZE]: pixels of which it covers at least half.
    """
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    rows, columns, dx, dy = box(where.x, where.y, where.size * 0.75 + 4)
    c, s = cosine(where.angle) / where.size, sine(where.angle) / where.size
    flip = -1.0 if where.mirror else 1.0
    u, v = (dx * c + dy * s) * (flip / where.stretch), dy * c - dx * s
    lined = OBJECTS[where.object_id].style == "lined"
    ink, silhouette = outline(where.object_id)
    if lined:
        ink_d, body_d = (d * where.size for d in sample((ink, silhouette), u, v))
    else:
        (body_d,) = (d * where.size for d in sample((ink,), u, v))
        ink_d = body_d
    limit = CLIP * where.size * 0.98

    body = clamp(0.5 - body_d)
    fill = np.empty((*body.shape, 3))
    fill[...] = where.fill
    tile = _tile(where.texture_id, u, v, where.period, where.phase)
    if tile is not None:
        fill = fill + (np.asarray(_second_tone(where.fill)) - fill) * tile[..., None]
    dark_line = luminance(where.fill) > 0.42
    patch = image[rows, columns]
    if where.line > 0 or lined:
        tone = _DARK if dark_line else _WHITE
        width = min(max(where.line, 0.9), limit)
        rim = clamp(0.5 + width - body_d) * where.opacity
        patch = patch + (tone - patch) * rim[..., None]
    if lined:
        strokes = clamp(0.5 - ink_d)[..., None]
        fill = fill + ((_DARK if dark_line else _WHITE) - fill) * strokes
    patch = patch + (fill - patch) * (body * where.opacity)[..., None]
    image[rows, columns] = patch
    mask[rows, columns] = body >= 0.5
    return mask
