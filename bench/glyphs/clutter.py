"""Paint shapes without a name: clutter behind objects and occluders in front of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.glyphs.raster import SIZE, Array, Draw, box, cosine, sine

Mask = NDArray[np.bool_]


def _shape(draw: Draw, x: float, y: float, size: float, thin: bool) -> tuple[slice, slice, Array]:
    """Return the signed distance of a disc, box, triangle or bar inside its bounding box."""
    rows, columns, dx, dy = box(x, y, size * 1.5 + 2)
    angle = draw.uniform(0, 3.14)
    c, s = cosine(angle), sine(angle)
    u, v = dx * c + dy * s, dy * c - dx * s
    kind = 3 if thin else draw.below(3)
    if kind == 0:
        distance = np.sqrt(dx * dx + dy * dy) - size * 0.5
    elif kind == 1:
        distance = np.maximum(np.abs(u) - size * 0.5, np.abs(v) - size * 0.38)
    elif kind == 2:
        distance = np.maximum(np.abs(u) * 0.866 + v * 0.5, -v) - size * 0.3
    else:
        distance = np.maximum(np.abs(u) - size * 1.4, np.abs(v) - draw.uniform(1.2, 3.2))
    return rows, columns, distance


def paint_shape(image: Array, draw: Draw, x: float, y: float, size: float, thin: bool) -> Mask:
    """Paint one plain shape, or a thin bar, in a muted colour into an image [SIZE, SIZE, 3].

    Args:
        image: The image, changed in place.
        draw: Random source of form and colour.
        x: Centre, in pixels from the left.
        y: Centre, in pixels from the top.
        size: Approximate diameter in pixels.
        thin: Whether it is a thin bar.

    Returns:
        Mask [SIZE, SIZE] of the pixels that it covers by at least half.
    """
    rows, columns, distance = _shape(draw, x, y, size, thin)
    base = draw.uniform(0.15, 0.85)
    colour = np.asarray(draw.colour((base, base, base), 0.16))
    alpha = np.minimum(1.0, np.maximum(0.0, 0.5 - distance))
    patch = image[rows, columns]
    image[rows, columns] = patch + (colour - patch) * alpha[..., None]
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[rows, columns] = alpha >= 0.5
    return mask


def paint_clutter(image: Array, draw: Draw, most: int) -> Mask:
    """Paint up to ``most`` small shapes anywhere; return the mask of them all."""
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    for _ in range(draw.below(most + 1)):
        x, y, size = draw.uniform(0, SIZE), draw.uniform(0, SIZE), draw.uniform(7, 20)
        mask |= paint_shape(image, draw, x, y, size, draw.chance(0.3))
    return mask


def paint_occluder(image: Array, draw: Draw, x: float, y: float, size: float) -> Mask:
    """Paint a bar across, or a shape at the rim of, an object at (x, y) of a given size."""
    if draw.chance(0.5):
        offset = size * 0.3
        x, y = x + draw.uniform(-offset, offset), y + draw.uniform(-offset, offset)
        return paint_shape(image, draw, x, y, size * 0.5, True)
    angle = draw.uniform(0, 6.28)
    x, y = x + cosine(angle) * size * 0.42, y + sine(angle) * size * 0.42
    return paint_shape(image, draw, x, y, size * draw.uniform(0.22, 0.4), False)
