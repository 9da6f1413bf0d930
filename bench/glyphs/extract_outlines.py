"""Extract the glyphs' outlines from DejaVu Sans into ``data/outlines.npz``.

Rendering reads only that file. It contains, per object, two signed distance fields on a square
grid: of the glyph's ink and of its silhouette (the filled outer contours). Needs fontTools; run
``python -m bench.glyphs.extract_outlines PATH/TO/DejaVuSans.ttf``.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont
from numpy.typing import NDArray

from bench.glyphs.raster import CLIP, REACH
from bench.glyphs.vocabulary import DATA, OBJECTS

GRID = 112
"""Cells along each side of a field."""
_STEPS = 8
"""Straight pieces of a curve."""

Array = NDArray[np.float64]


class _PolygonPen(BasePen):  # type: ignore[misc]
    """Convert a glyph's contours to closed polygons."""

    def __init__(self, glyphs: Any) -> None:
        super().__init__(glyphs)
        self.contours: list[list[tuple[float, float]]] = []

    def _moveTo(self, point: tuple[float, float]) -> None:  # noqa: N802
        self.contours.append([point])

    def _lineTo(self, point: tuple[float, float]) -> None:  # noqa: N802
        self.contours[-1].append(point)

    def _qCurveToOne(  # noqa: N802
        self, control: tuple[float, float], end: tuple[float, float]
    ) -> None:
        start = self._getCurrentPoint()
        for step in range(1, _STEPS + 1):
            t = step / _STEPS
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            x, y = (a * s + b * m + c * e for s, m, e in zip(start, control, end, strict=True))
            self.contours[-1].append((x, y))


def _winding(contour: Array, points: Array) -> NDArray[np.int64]:
    """Return the winding number of one closed polygon [P, 2] around points [Q, 2]."""
    total = np.zeros(len(points), dtype=np.int64)
    following = np.roll(contour, -1, axis=0)
    x, y = points[:, 0], points[:, 1]
    for (ax, ay), (bx, by) in zip(contour, following, strict=True):
        side = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
        total += ((ay <= y) & (by > y) & (side > 0)).astype(np.int64)
        total -= ((ay > y) & (by <= y) & (side < 0)).astype(np.int64)
    return total


def _distance(contours: list[Array], points: Array) -> Array:
    """Return the unsigned distance of points [Q, 2] to the nearest edge of the polygons."""
    best = np.full(len(points), np.inf)
    for contour in contours:
        for a, b in zip(contour, np.roll(contour, -1, axis=0), strict=True):
            edge = b - a
            length = float(edge @ edge)
            offset = points - a
            t = np.clip(offset @ edge / length, 0, 1) if length > 0 else np.zeros(len(points))
            best = np.minimum(best, np.hypot(*(offset - t[:, None] * edge).T))
    return best


def fields(contours: list[Array]) -> tuple[Array, Array]:
    """Return signed distance fields (negative inside) of a glyph given as polygons.

    Args:
        contours: Closed polygons [P, 2] in font units, y upwards.

    Returns:
        Ink field and silhouette field, each [GRID, GRID], row 0 on top.
    """
    joined = np.concatenate(contours)
    low, high = joined.min(axis=0), joined.max(axis=0)
    scaled = [(c - (low + high) / 2) / (high - low).max() for c in contours]
    axis = ((np.arange(GRID) + 0.5) / GRID * 2 - 1) * REACH
    columns, rows = np.meshgrid(axis, -axis)
    points = np.stack([columns.ravel(), rows.ravel()], axis=1)
    windings = [_winding(c, points) for c in scaled]
    # A contour whose first point is inside another one is a hole or island.
    outer = [
        c
        for i, c in enumerate(scaled)
        if not any(i != j and _winding(other, c[:1])[0] != 0 for j, other in enumerate(scaled))
    ]
    ink_inside = sum(windings) != 0
    silhouette_inside = np.any([w != 0 for w in windings], axis=0)
    ink = np.where(ink_inside, -1.0, 1.0) * _distance(scaled, points)
    silhouette = np.where(silhouette_inside, -1.0, 1.0) * _distance(outer, points)
    return ink.reshape(GRID, GRID), silhouette.reshape(GRID, GRID)


def extract(font: Path, out: Path) -> None:
    """Write the fields of all objects of a DejaVu Sans TrueType file.

    The ``.npz`` has ``ink`` and ``silhouette``, int8 [objects, GRID, GRID], and ``codepoints``.
    """
    file = TTFont(str(font))
    names, glyphs = file.getBestCmap(), file.getGlyphSet()
    both = []
    for entry in OBJECTS:
        pen = _PolygonPen(glyphs)
        glyphs[names[entry.codepoint]].draw(pen)
        pair = fields([np.asarray(contour, dtype=np.float64) for contour in pen.contours])
        both.append(np.clip(np.rint(np.stack(pair) / CLIP * 127), -127, 127).astype(np.int8))
    ink, silhouette = np.stack(both, axis=1)
    codepoints = np.asarray([entry.codepoint for entry in OBJECTS])
    # numpy reads members of any compression; by LZMA they take two thirds of deflate's size.
    arrays = {"ink": ink, "silhouette": silhouette, "codepoints": codepoints}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as file:
        for name, values in arrays.items():
            content = io.BytesIO()
            np.save(content, values)
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_LZMA)


if __name__ == "__main__":
    extract(Path(sys.argv[1]), DATA / "outlines.npz")
