"""Exact pixel arithmetic: randomness, coordinates, value noise, signed distance sampling.

Pixels are computed with + - * /, square roots, floor and comparisons in float64, which IEEE 754
defines to the last bit; sines are rounded to nine decimals. So images do not depend on the version
of NumPy or on the processor.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.glyphs.vocabulary import DATA

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = 128
"""Images are SIZE x SIZE pixels."""

Array = NDArray[np.float64]
Rgb = tuple[float, float, float]
_T = TypeVar("_T")

REACH = 0.62
"""The grid of a field spans [-REACH, REACH]; the glyph's box is centred, its longer side is 1."""
CLIP = 0.11
"""Distances are clipped to this and stored as int8 in steps of CLIP / 127."""

_AXIS: Array = (np.arange(SIZE, dtype=np.float64) + 0.5) / SIZE
X: Array = np.ascontiguousarray(np.broadcast_to(_AXIS[None, :], (SIZE, SIZE)))
"""Column coordinate in 0..1 [SIZE, SIZE]."""
Y: Array = np.ascontiguousarray(np.broadcast_to(_AXIS[:, None], (SIZE, SIZE)))
"""Row coordinate in 0..1, downwards [SIZE, SIZE]."""
for _frozen in (_AXIS, X, Y):
    _frozen.setflags(write=False)


class Draw:
    """A random source, seeded by integers, that uses only ``Generator.random``."""

    def __init__(self, *key: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(key))

    def uniform(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * float(self._rng.random())

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return float(self._rng.random()) < probability

    def below(self, n: int) -> int:
        """Return an integer in 0..n-1."""
        return math.floor(float(self._rng.random()) * n)

    def pick(self, items: Sequence[_T]) -> _T:
        """Return one of the items."""
        return items[self.below(len(items))]

    def array(self, *shape: int) -> Array:
        """Return numbers in [0, 1) of the given shape."""
        return self._rng.random(shape)

    def colour(self, base: Rgb, spread: float) -> Rgb:
        """Return a colour (0..1 each) near ``base``: a shared and a per-channel shift."""
        shared = self.uniform(-spread, spread)
        r, g, b = (min(1.0, max(0.0, c + shared + self.uniform(-spread, spread) / 2)) for c in base)
        return r, g, b


def sine(angle: float) -> float:
    """Return the sine of an angle in radians, rounded to nine decimals."""
    return round(math.sin(angle), 9)


def cosine(angle: float) -> float:
    """Return the cosine of an angle in radians, rounded to nine decimals."""
    return round(math.cos(angle), 9)


def box(x: float, y: float, reach: float) -> tuple[slice, slice, Array, Array]:
    """Return the part of an image around a point, in pixels.

    Returns:
        Rows and columns of the part; the pixels' offsets from the point, [1, w] and [h, 1].
    """
    x0, x1 = max(0, math.floor(x - reach)), min(SIZE, math.floor(x + reach) + 1)
    y0, y1 = max(0, math.floor(y - reach)), min(SIZE, math.floor(y + reach) + 1)
    dx = (np.arange(x0, x1, dtype=np.float64) + 0.5 - x)[None, :]
    dy = (np.arange(y0, y1, dtype=np.float64) + 0.5 - y)[:, None]
    return slice(y0, y1), slice(x0, x1), dx, dy


def wave(phase: Array) -> Array:
    """Return a smooth wave of period 1 with values in 0..1 (a cubic, not a sine)."""
    t = phase - np.floor(phase)
    t = np.abs(2 * t - 1)
    curve: Array = t * t * (3 - 2 * t)
    return curve


def smooth(low: float, high: float, value: Array) -> Array:
    """Return the Hermite step from 0 at ``low`` to 1 at ``high``."""
    t = np.minimum(1.0, np.maximum(0.0, (value - low) / (high - low)))
    step: Array = t * t * (3 - 2 * t)
    return step


def clamp(value: Array) -> Array:
    """Limit values to 0..1."""
    return np.minimum(1.0, np.maximum(0.0, value))


@cache
def _lerp(cells: int) -> tuple[NDArray[np.int64], Array]:
    position = _AXIS * cells
    left = np.floor(position)
    t = position - left
    return left.astype(np.int64), t * t * (3 - 2 * t)


def noise(draw: Draw, columns: int, rows: int | None = None) -> Array:
    """Return value noise in 0..1 [SIZE, SIZE] from a smoothly interpolated random lattice.

    Args:
        draw: Random source of the lattice.
        columns: Number of lattice columns.
        rows: Number of lattice rows; as columns if None.
    """
    rows = columns if rows is None else rows
    lattice = draw.array(rows + 1, columns + 1)
    x, tx = _lerp(columns)
    y, ty = _lerp(rows)
    wide = lattice[:, x] + (lattice[:, x + 1] - lattice[:, x]) * tx
    top = wide[y]
    field: Array = top + (wide[y + 1] - top) * ty[:, None]
    return field


def profile(draw: Draw, cells: int) -> Array:
    """Return smooth one-dimensional noise in 0..1 along a row [SIZE]."""
    lattice = draw.array(cells + 1)
    x, t = _lerp(cells)
    line: Array = lattice[x] + (lattice[x + 1] - lattice[x]) * t
    return line


def flat(colour: Rgb) -> Array:
    """Return an image of one colour [SIZE, SIZE, 3]."""
    image: Array = np.ones((SIZE, SIZE, 3)) * np.asarray(colour)
    return image


def gradient(top: Rgb, bottom: Rgb, t: Array = Y) -> Array:
    """Blend two colours by ``t`` [SIZE, SIZE] in 0..1."""
    first = np.asarray(top)
    image: Array = first + (np.asarray(bottom) - first) * t[..., None]
    return image


def over(image: Array, colour: Rgb | Array, alpha: Array) -> Array:
    """Paint a colour or an image over an image with opacity ``alpha`` [SIZE, SIZE]."""
    return image + (np.asarray(colour) - image) * alpha[..., None]


def shade(image: Array, factor: Array) -> Array:
    """Multiply an image [SIZE, SIZE, 3] by a factor [SIZE, SIZE]."""
    shaded: Array = image * factor[..., None]
    return shaded


@cache
def _fields() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    with np.load(DATA / "outlines.npz") as file:
        return file["ink"], file["silhouette"]


@cache
def outline(index: int) -> tuple[Array, Array]:
    """Return the ink and silhouette distance fields of an object, [GRID, GRID], longer side = 1."""
    ink, silhouette = _fields()
    return ink[index] * (CLIP / 127), silhouette[index] * (CLIP / 127)


def sample(fields: tuple[Array, ...], u: Array, v: Array) -> tuple[Array, ...]:
    """Sample distance fields [GRID, GRID] bilinearly; CLIP far outside the grid.

    Args:
        fields: Fields that share one grid.
        u: Horizontal glyph coordinate of each pixel, 0 in the middle.
        v: Vertical glyph coordinate, downwards.
    """
    grid = fields[0].shape[0]
    x = (u / REACH + 1) * (grid / 2) - 0.5
    y = (v / REACH + 1) * (grid / 2) - 0.5
    x = np.minimum(grid - 1.000001, np.maximum(0.0, x))
    y = np.minimum(grid - 1.000001, np.maximum(0.0, y))
    left, top = np.floor(x), np.floor(y)
    tx, ty = x - left, y - top
    corner = top.astype(np.int64) * grid + left.astype(np.int64)
    sampled = []
    for field in fields:
        values = field.ravel()
        upper = values[corner] + (values[corner + 1] - values[corner]) * tx
        lower = values[corner + grid] + (values[corner + grid + 1] - values[corner + grid]) * tx
        sampled.append(upper + (lower - upper) * ty)
    return tuple(sampled)
