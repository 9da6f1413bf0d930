"""Procedural scenes that people built. Each function paints one scene from a stream."""

from __future__ import annotations

import numpy as np

from bench.glyphs.raster import (
    Array,
    Draw,
    X,
    Y,
    clamp,
    flat,
    gradient,
    noise,
    over,
    shade,
    smooth,
    wave,
)


def _grid_line(phase: Array, width: float) -> Array:
    """Return 1 near whole numbers of ``phase``, within ``width`` of a period."""
    near = np.abs(phase - np.floor(phase + 0.5))
    return 1 - smooth(width * 0.6, width, near)


def _cells(draw: Draw, columns: Array, rows: Array, count: int = 24) -> Array:
    """Return a random number 0..1 per integer cell (columns, rows)."""
    lattice = draw.array(count, count)
    x = np.floor(columns).astype(np.int64) % count
    y = np.floor(rows).astype(np.int64) % count
    values: Array = lattice[y, x]
    return values


def brick_wall(draw: Draw) -> Array:
    """Paint bricks with mortar."""
    rows = Y * draw.uniform(8, 13) + draw.uniform(0, 1)
    shift = 0.5 * (np.floor(rows) - 2 * np.floor(rows / 2))
    columns = X * draw.uniform(4, 6) + shift + draw.uniform(0, 1)
    tone = 0.72 + 0.4 * _cells(draw, columns, rows) + 0.18 * (noise(draw, 50) - 0.5)
    image = shade(flat(draw.colour((0.66, 0.3, 0.22), 0.07)), tone)
    mortar = np.maximum(_grid_line(rows, 0.09), _grid_line(columns, 0.045))
    return over(image, (0.8, 0.77, 0.72), mortar)


def street(draw: Draw) -> Array:
    """Paint a road in perspective with a dashed line."""
    horizon = draw.uniform(0.25, 0.38)
    image = gradient(draw.colour((0.68, 0.76, 0.84), 0.06), (0.88, 0.9, 0.92))
    depth = clamp((Y - horizon) / (1 - horizon))
    across = np.abs(X - draw.uniform(0.4, 0.6)) / (0.06 + 0.5 * depth)
    blocks = X * draw.uniform(4, 7)
    roof = horizon - 0.04 - 0.2 * _cells(draw, blocks, Y * 0)
    wall = shade(flat((0.6, 0.56, 0.52)), 0.7 + 0.5 * _cells(draw, blocks, Y * 0 + 3))
    image = over(image, wall, smooth(0.0, 0.01, Y - roof))
    ground = shade(flat((0.68, 0.67, 0.64)), 0.85 + 0.3 * noise(draw, 50))
    road = shade(flat(draw.colour((0.27, 0.28, 0.3), 0.03)), 0.85 + 0.3 * noise(draw, 64))
    ground = over(ground, road, 1 - smooth(0.93, 0.97, across))
    dash = smooth(0.35, 0.45, wave(1.4 / (depth + 0.22) + draw.uniform(0, 1)))
    ground = over(ground, (0.97, 0.95, 0.85), (1 - smooth(0.03, 0.05, across)) * dash)
    edge = 1 - smooth(0.02, 0.035, np.abs(across - 0.86))
    ground = over(ground, (0.95, 0.85, 0.3), edge)
    return over(image, ground, smooth(0.0, 0.01, Y - horizon))


def city_skyline(draw: Draw) -> Array:
    """Paint towers with lit windows at dusk."""
    image = gradient(draw.colour((0.2, 0.26, 0.46), 0.05), draw.colour((0.85, 0.62, 0.55), 0.06))
    for level in range(2):
        blocks = X * draw.uniform(6, 9) + draw.uniform(0, 5)
        roof = 0.2 + 0.2 * level + 0.42 * _cells(draw, blocks, Y * 0)
        tone = 0.3 - 0.14 * level
        tower = flat((tone, tone + 0.02, tone + 0.1))
        window = wave(X * 36) * wave(Y * 30)
        lit = smooth(0.3, 0.5, window) * (_cells(draw, X * 36 + 0.5, Y * 30 + 0.5) > 0.5)
        tower = over(tower, (1.0, 0.86, 0.45), lit * 0.9)
        image = over(image, tower, smooth(0.0, 0.008, Y - roof))
    return image


def wooden_floor(draw: Draw) -> Array:
    """Paint long planks with grain."""
    rows = Y * draw.uniform(5, 8) + draw.uniform(0, 1)
    columns = X * draw.uniform(1, 1.8) + 5 * _cells(draw, Y * 0, rows)
    plank = _cells(draw, columns, rows)
    grain = wave(Y * 40 + 5 * noise(draw, 3, 14) + 7 * plank)
    tone = 0.68 + 0.32 * plank + 0.16 * grain
    image = shade(flat(draw.colour((0.72, 0.48, 0.27), 0.05)), tone)
    return over(
        image, (0.22, 0.13, 0.07), np.maximum(_grid_line(rows, 0.05), _grid_line(columns, 0.012))
    )


def tiled_bathroom(draw: Draw) -> Array:
    """Paint glossy square tiles."""
    count = draw.uniform(5, 8)
    columns, rows = X * count + draw.uniform(0, 1), Y * count + draw.uniform(0, 1)
    base = draw.pick(((0.78, 0.9, 0.92), (0.86, 0.93, 0.9), (0.9, 0.93, 0.97), (0.7, 0.86, 0.9)))
    gloss = (columns - np.floor(columns)) * (1 - (rows - np.floor(rows)))
    tone = 0.86 + 0.1 * _cells(draw, columns, rows) + 0.1 * gloss
    image = shade(flat(base), tone)
    return over(
        image, (0.5, 0.6, 0.64), np.maximum(_grid_line(rows, 0.05), _grid_line(columns, 0.05))
    )


def bookshelf(draw: Draw) -> Array:
    """Paint rows of book spines on boards."""
    shelves = draw.uniform(2.6, 4.2)
    rows = Y * shelves + draw.uniform(0, 1)
    level = np.floor(rows)
    columns = (
        X * draw.uniform(13, 19) + 7 * _cells(draw, X * 0, rows) + 0.4 * (noise(draw, 10, 1) - 0.5)
    )
    red, green, blue = (_cells(draw, columns, rows) for _ in range(3))
    spines = np.stack([0.2 + 0.6 * red, 0.14 + 0.45 * green, 0.14 + 0.45 * blue], axis=2)
    top = 0.12 + 0.25 * _cells(draw, columns, rows)
    within = rows - level
    image = over(flat((0.13, 0.08, 0.05)), spines, smooth(0.0, 0.03, within - top))
    image = over(image, (0.06, 0.04, 0.03), _grid_line(columns, 0.07) * 0.8)
    label = (1 - smooth(0.03, 0.05, np.abs(within - 0.6))) * 0.55
    image = over(image, (0.93, 0.83, 0.55), label)
    return over(image, (0.45, 0.29, 0.16), _grid_line(rows, 0.08))


def theatre_curtain(draw: Draw) -> Array:
    """Paint heavy folds of red cloth."""
    fold = wave(X * draw.uniform(7, 12) + 0.5 * noise(draw, 4, 3) + draw.uniform(0, 1))
    image = shade(flat(draw.colour((0.66, 0.07, 0.12), 0.05)), 0.38 + 0.75 * fold)
    swag = 0.12 + 0.06 * wave(X * draw.uniform(3, 5) + draw.uniform(0, 1))
    border = shade(flat((0.52, 0.04, 0.09)), 0.7 + 0.4 * fold)
    image = over(image, border, 1 - smooth(0.0, 0.01, Y - swag))
    return over(image, (0.93, 0.74, 0.28), 1 - smooth(0.012, 0.02, np.abs(Y - swag)))


def railway(draw: Draw) -> Array:
    """Paint two rails on sleepers in perspective."""
    horizon = draw.uniform(0.15, 0.3)
    sky = gradient(draw.colour((0.6, 0.74, 0.86), 0.06), (0.9, 0.93, 0.95))
    depth = clamp((Y - horizon) / (1 - horizon))
    across = np.abs(X - draw.uniform(0.42, 0.58)) / (0.025 + 0.42 * depth)
    gravel = noise(draw, 64) * 0.6 + noise(draw, 32) * 0.4
    ground = shade(flat(draw.colour((0.56, 0.52, 0.47), 0.04)), 0.5 + 0.9 * gravel)
    tie = smooth(0.5, 0.6, wave(3.2 / (depth + 0.14) + draw.uniform(0, 1)))
    ground = over(ground, (0.3, 0.19, 0.11), tie * (1 - smooth(0.9, 0.95, across)))
    rail = 1 - smooth(0.045, 0.075, np.abs(across - 0.6))
    ground = over(ground, (0.78, 0.79, 0.83), rail)
    return over(sky, ground, smooth(0.0, 0.01, Y - horizon))


def chessboard_floor(draw: Draw) -> Array:
    """Paint a two-coloured floor in perspective."""
    horizon = draw.uniform(0.05, 0.2)
    depth = clamp((Y - horizon) / (1 - horizon)) + 0.22
    columns = (X - draw.uniform(0.3, 0.7)) * draw.uniform(1.6, 2.4) / depth * 1.6 + 50
    rows = draw.uniform(1.8, 2.6) / depth + draw.uniform(0, 1)
    odd = np.floor(columns) + np.floor(rows)
    odd = odd - 2 * np.floor(odd / 2)
    dark = draw.pick(((0.12, 0.12, 0.14), (0.3, 0.12, 0.1), (0.1, 0.2, 0.28)))
    image = over(flat((0.93, 0.91, 0.86)), dark, odd)
    image = shade(image, 0.8 + 0.3 * noise(draw, 9))
    wall = gradient((0.72, 0.68, 0.6), (0.6, 0.56, 0.5))
    return over(wall, image, smooth(0.0, 0.01, Y - horizon))
