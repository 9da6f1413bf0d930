"""Extract the glyphs' outlines from DejaVu Sans into ``data/outlines.npz``.

Rendering reads only that file. It contains, per object, two signed distance fields on a square
grid: of the glyph's ink and of its silhouette (the filled outer contours). Needs fontTools; run
``python -m bench.glyphs.extract_outlines PATH/TO/DejaVuSans.ttf``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.glyphs.vocabulary import DATA, OBJECTS

GRID = 112
"""Cells along each side of a field."""
REACH = 0.62
"""The grid spans [-REACH, REACH]; the glyph's longer side is 1 and its box is centred."""
CLIP = 0.11
"""Distances are clipped to this and stored as int8 in steps of CLIP / 127."""
_STEPS = 8

Array = NDArray[np.float64]


def _flatten(glyph: list[tuple[str, Any]]) -> list[Array]:
    """Convert pen commands to closed polygons, each [P, 2]."""
    contours: list[Array] = []
    points: list[tuple[float, float]] = []
    for command, arguments in glyph:
        if command == "moveTo":
            points = [arguments[0]]
        elif command == "lineTo":
            points.append(arguments[0])
        elif command == "qCurveTo":
            controls = list(arguments)
            if controls[-1] is None:  # a TrueType contour without any on-curve point
                last, first = controls[-2], controls[0]
                middle = ((last[0] + first[0]) / 2, (last[1] + first[1]) / 2)
                points, controls = [middle], [*controls[:-1], middle]
            for i in range(len(controls) - 1):
                start, control = points[-1], controls[i]
                end = controls[i + 1]
                if i < len(controls) - 2:
                    end = ((control[0] + end[0]) / 2, (control[1] + end[1]) / 2)
                for step in range(1, _STEPS + 1):
                    t = step / _STEPS
                    a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
                    points.append(
                        (
                            a * start[0] + b * control[0] + c * end[0],
                            a * start[1] + b * control[1] + c * end[1],
                        )
                    )
        elif command in {"closePath", "endPath"}:
            contours.append(np.asarray(points, dtype=np.float64))
    return contours


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
    """Write the fields of all objects.

    Args:
        font: A DejaVu Sans TrueType file.
        out: The ``.npz`` to write: ``ink`` and ``silhouette`` int8 [objects, GRID, GRID] and
            ``codepoints``.
    """
    from fontTools.pens.recordingPen import DecomposingRecordingPen
    from fontTools.ttLib import TTFont

    file = TTFont(str(font))
    names, glyphs = file.getBestCmap(), file.getGlyphSet()
    inks, silhouettes = [], []
    for entry in OBJECTS:
        pen = DecomposingRecordingPen(glyphs)
        glyphs[names[entry.codepoint]].draw(pen)
        pair = fields(_flatten(pen.value))
        ink, silhouette = (np.clip(np.rint(f / CLIP * 127), -127, 127) for f in pair)
        inks.append(ink.astype(np.int8))
        silhouettes.append(silhouette.astype(np.int8))
    np.savez_compressed(
        out,
        ink=np.stack(inks),
        silhouette=np.stack(silhouettes),
        codepoints=np.asarray([entry.codepoint for entry in OBJECTS]),
    )


if __name__ == "__main__":
    extract(Path(sys.argv[1]), DATA / "outlines.npz")
