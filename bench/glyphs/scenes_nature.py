"""Procedural scenes of nature. Each function paints one scene [SIZE, SIZE, 3] from a stream."""

from __future__ import annotations

import numpy as np

from bench.glyphs.raster import (
    SIZE,
    Array,
    Draw,
    X,
    Y,
    clamp,
    flat,
    gradient,
    noise,
    over,
    profile,
    shade,
    sine,
    smooth,
    wave,
)


def _ridge(draw: Draw, height: float, rough: float) -> Array:
    """Return how far each pixel lies below a rough horizon line [SIZE, SIZE]."""
    line = profile(draw, 3) * 0.6 + profile(draw, 8) * 0.3 + profile(draw, 24) * 0.1
    below: Array = Y - (height + rough * (line - 0.5))[None, :]
    return below


def _clouds(draw: Draw, image: Array, amount: float) -> Array:
    puff = noise(draw, 4, 7) * 0.6 + noise(draw, 9, 15) * 0.4
    return over(image, (1.0, 1.0, 1.0), smooth(0.5, 0.8, puff) * amount)


def _edge(below: Array, softness: float = 0.008) -> Array:
    return smooth(0.0, softness, below)


def sea(draw: Draw) -> Array:
    """Paint waves under a bright sky."""
    horizon = draw.uniform(0.18, 0.4)
    sky = gradient(draw.colour((0.55, 0.78, 0.95), 0.08), (0.88, 0.94, 0.98))
    depth = clamp((Y - horizon) / (1 - horizon))
    water = gradient(
        draw.colour((0.2, 0.55, 0.68), 0.07), draw.colour((0.03, 0.2, 0.4), 0.06), depth
    )
    crest = wave(4.0 / (depth + 0.16) + 1.5 * noise(draw, 5, 9) + draw.uniform(0, 1))
    water = over(water, (0.85, 0.95, 0.98), smooth(0.72, 1.0, crest) * 0.6)
    return over(_clouds(draw, sky, 0.7), water, _edge(Y - horizon))


def desert(draw: Draw) -> Array:
    """Paint dunes under a hot sky."""
    image = gradient(draw.colour((0.4, 0.66, 0.88), 0.08), (0.97, 0.9, 0.74))
    height = draw.uniform(0.25, 0.42)
    for level in range(3):
        below = _ridge(draw, height + 0.2 * level, 0.22)
        tone = 0.06 * level
        sand = draw.colour((0.92 - tone, 0.72 - tone, 0.42 - tone), 0.04)
        ripple = wave(below * 26 + 3 * noise(draw, 4))
        dune = shade(flat(sand), 0.86 + 0.16 * ripple)
        image = over(image, dune, _edge(below))
    return image


def meadow(draw: Draw) -> Array:
    """Paint grass with flowers under a sky."""
    sky = _clouds(draw, gradient(draw.colour((0.45, 0.7, 0.94), 0.08), (0.86, 0.94, 0.99)), 0.9)
    below = _ridge(draw, draw.uniform(0.25, 0.42), 0.1)
    blades = noise(draw, 64, 22) * 0.6 + noise(draw, 24, 9) * 0.4
    grass = gradient(draw.colour((0.5, 0.72, 0.3), 0.06), draw.colour((0.16, 0.46, 0.12), 0.05))
    grass = shade(grass, 0.66 + 0.62 * blades)
    image = over(sky, grass, _edge(below))
    bloom = draw.pick(((1.0, 0.95, 0.4), (1.0, 1.0, 1.0), (0.95, 0.45, 0.6)))
    spots = smooth(0.9, 0.94, noise(draw, 48)) * _edge(below - 0.1)
    return over(image, bloom, spots)


def night_sky(draw: Draw) -> Array:
    """Paint stars and a faint milky band."""
    image = gradient(draw.colour((0.02, 0.03, 0.12), 0.03), draw.colour((0.07, 0.08, 0.26), 0.04))
    slope = draw.uniform(-0.9, 0.9)
    band = Y - 0.5 - slope * (X - 0.5) + 0.3 * (noise(draw, 5) - 0.5)
    glow = clamp(1 - np.abs(band) / 0.3)
    image = over(image, (0.5, 0.45, 0.72), glow * glow * 0.45)
    for cells, limit in ((64, 0.955), (40, 0.975)):
        image = over(
            image, (1.0, 0.98, 0.9), smooth(limit - 0.02, limit + 0.02, noise(draw, cells))
        )
    return image


def snowfield(draw: Draw) -> Array:
    """Paint soft snow under a pale winter sky."""
    image = gradient(draw.colour((0.62, 0.74, 0.86), 0.06), (0.9, 0.94, 0.97))
    height = draw.uniform(0.22, 0.38)
    for level in range(3):
        below = _ridge(draw, height + 0.22 * level, 0.14)
        snow = shade(flat((0.97, 0.985, 1.0)), 0.84 + 0.16 * noise(draw, 6, 10))
        image = over(image, (0.72, 0.8, 0.92), _edge(below, 0.02))
        image = over(image, snow, _edge(below - 0.012, 0.05))
    return image


def forest(draw: Draw) -> Array:
    """Paint dark trunks before leaves."""
    leaves = noise(draw, 20) * 0.5 + noise(draw, 44) * 0.5
    image = gradient(draw.colour((0.3, 0.5, 0.2), 0.06), draw.colour((0.08, 0.2, 0.08), 0.04))
    image = shade(image, 0.5 + 0.95 * leaves)
    for _ in range(5 + draw.below(5)):
        centre, width = draw.uniform(0, 1), draw.uniform(0.02, 0.055)
        lean = draw.uniform(-0.06, 0.06)
        across = np.abs(X - centre - lean * (Y - 0.5)) / width
        bark = draw.colour((0.3, 0.2, 0.12), 0.06)
        trunk = shade(flat(bark), (1.15 - 0.6 * clamp(across)) * (0.7 + 0.6 * noise(draw, 40, 7)))
        image = over(image, trunk, 1 - smooth(0.85, 1.0, across))
    return image


def sunset(draw: Draw) -> Array:
    """Paint a glowing sun low over dark land."""
    image = gradient(draw.colour((0.36, 0.2, 0.5), 0.06), draw.colour((1.0, 0.62, 0.22), 0.05))
    cx, cy = draw.uniform(0.2, 0.8), draw.uniform(0.5, 0.68)
    radius = np.sqrt((X - cx) * (X - cx) + (Y - cy) * (Y - cy))
    image = over(image, (1.0, 0.8, 0.4), clamp(1 - radius / 0.5) * 0.6)
    image = over(image, (1.0, 0.93, 0.7), 1 - smooth(0.1, 0.115, radius))
    streak = noise(draw, 3, 22)
    image = over(image, (0.85, 0.32, 0.35), smooth(0.62, 0.85, streak) * 0.7)
    land = _edge(_ridge(draw, draw.uniform(0.74, 0.84), 0.12))
    return over(image, draw.colour((0.1, 0.05, 0.1), 0.03), land)


def mountains(draw: Draw) -> Array:
    """Paint snow-capped peaks."""
    image = gradient(draw.colour((0.5, 0.7, 0.9), 0.07), (0.9, 0.94, 0.98))
    for level in range(2):
        line = np.zeros(SIZE) + 1.0
        for _ in range(4):
            peak, top, slope = draw.uniform(0, 1), draw.uniform(0.1, 0.4), draw.uniform(0.9, 1.7)
            line = np.minimum(line, top + 0.25 * level + slope * np.abs(X[0] - peak))
        line = line + 0.05 * (profile(draw, 24) - 0.5)
        below = Y - line[None, :]
        rock = shade(flat(draw.colour((0.42, 0.43, 0.5), 0.05)), 0.65 + 0.6 * noise(draw, 26, 12))
        cap = 1 - smooth(0.06, 0.12, below + 0.12 * (noise(draw, 22) - 0.5))
        image = over(image, over(rock, (0.97, 0.98, 1.0), cap), _edge(below))
    return image


def beach(draw: Draw) -> Array:
    """Paint sand, surf and a strip of sea."""
    image = over(
        gradient((0.5, 0.76, 0.95), (0.85, 0.93, 0.98)),
        gradient((0.1, 0.45, 0.65), (0.3, 0.75, 0.78)),
        _edge(Y - draw.uniform(0.12, 0.2)),
    )
    shore = _ridge(draw, draw.uniform(0.38, 0.5), 0.12)
    sand = shade(flat(draw.colour((0.94, 0.83, 0.62), 0.04)), 0.86 + 0.2 * noise(draw, 64))
    image = over(image, (0.97, 0.99, 1.0), _edge(shore + 0.05, 0.03))
    image = over(image, (0.72, 0.6, 0.44), _edge(shore, 0.02))
    return over(image, sand, _edge(shore - 0.03, 0.05))


def wheat_field(draw: Draw) -> Array:
    """Paint golden stalks to the horizon."""
    sky = _clouds(draw, gradient(draw.colour((0.4, 0.65, 0.92), 0.07), (0.85, 0.92, 0.97)), 0.6)
    horizon = draw.uniform(0.18, 0.32)
    depth = clamp((Y - horizon) / (1 - horizon))
    stalk = noise(draw, 64, 9) * 0.7 + noise(draw, 30, 20) * 0.3
    rows = wave((X - 0.5) * 5 / (depth + 0.12) + draw.uniform(0, 1))
    wheat = shade(flat(draw.colour((0.93, 0.75, 0.28), 0.04)), 0.5 + 0.5 * stalk + 0.22 * rows)
    return over(sky, wheat, _edge(Y - horizon))


def volcano(draw: Draw) -> Array:
    """Paint a dark cone with glowing lava and smoke."""
    image = gradient(draw.colour((0.22, 0.12, 0.14), 0.04), draw.colour((0.7, 0.26, 0.14), 0.06))
    smoke = noise(draw, 5) * 0.6 + noise(draw, 12) * 0.4
    image = over(image, (0.2, 0.18, 0.2), smooth(0.45, 0.75, smoke) * 0.8)
    cx, top = draw.uniform(0.3, 0.7), draw.uniform(0.22, 0.36)
    side = np.abs(X - cx) + 0.05 * (noise(draw, 14) - 0.5)
    below = np.minimum(Y - top, (Y - top) - (side - 0.09) * 1.25)
    rock = shade(flat((0.17, 0.13, 0.13)), 0.6 + 0.8 * noise(draw, 22))
    vein = wave(side * 7 + 1.4 * noise(draw, 6) + draw.uniform(0, 1))
    lava = over(rock, (1.0, 0.42, 0.06), smooth(0.82, 0.98, vein))
    image = over(image, lava, _edge(below))
    rim = (1 - smooth(0.02, 0.06, np.abs(Y - top - 0.015))) * (1 - smooth(0.08, 0.11, side))
    return over(image, (1.0, 0.75, 0.2), rim)


def waterfall(draw: Draw) -> Array:
    """Paint white water between wet rocks."""
    rock = noise(draw, 7, 12) * 0.5 + noise(draw, 18, 30) * 0.5
    image = shade(
        gradient(draw.colour((0.34, 0.4, 0.3), 0.05), (0.16, 0.2, 0.17)), 0.5 + 0.9 * rock
    )
    centre, width = draw.uniform(0.35, 0.65), draw.uniform(0.2, 0.3)
    side = np.abs(X - centre + 0.06 * (noise(draw, 3, 6) - 0.5)) / width
    strands = noise(draw, 56, 3) * 0.6 + noise(draw, 28, 5) * 0.4
    falls = shade(flat((0.9, 0.96, 1.0)), 0.55 + 0.5 * strands)
    image = over(image, falls, 1 - smooth(0.85, 1.0, side))
    pool = _edge(_ridge(draw, 0.86, 0.05), 0.05)
    image = over(image, shade(flat((0.5, 0.75, 0.8)), 0.7 + 0.4 * noise(draw, 12, 40)), pool)
    mist = (1 - smooth(0.0, 0.14, np.abs(Y - 0.84))) * (1 - smooth(0.9, 1.6, side))
    return over(image, (0.95, 0.98, 1.0), mist * 0.7)


def rainbow(draw: Draw) -> Array:
    """Paint a seven-coloured arc over green hills."""
    image = gradient(draw.colour((0.5, 0.66, 0.85), 0.06), (0.84, 0.9, 0.95))
    cx, cy, radius = draw.uniform(0.3, 0.7), draw.uniform(0.95, 1.1), draw.uniform(0.68, 0.82)
    band = (radius - np.sqrt((X - cx) * (X - cx) + (Y - cy) * (Y - cy))) / 0.036
    hues = (
        (0.9, 0.15, 0.2), (1.0, 0.55, 0.1), (1.0, 0.9, 0.2), (0.25, 0.75, 0.3),
        (0.2, 0.55, 0.9), (0.25, 0.25, 0.7), (0.55, 0.25, 0.7),
    )  # fmt: skip
    for i, hue in enumerate(hues):
        image = over(
            image,
            hue,
            smooth(i - 0.15, i + 0.15, band) * (1 - smooth(i + 0.85, i + 1.15, band)) * 0.85,
        )
    hill = _edge(_ridge(draw, draw.uniform(0.76, 0.86), 0.12))
    grass = shade(flat(draw.colour((0.3, 0.55, 0.25), 0.05)), 0.75 + 0.4 * noise(draw, 40, 16))
    return over(image, grass, hill)


def rainstorm(draw: Draw) -> Array:
    """Paint slanting rain under dark clouds."""
    cloud = noise(draw, 4, 6) * 0.6 + noise(draw, 10, 14) * 0.4
    image = shade(gradient((0.3, 0.33, 0.4), (0.52, 0.56, 0.62)), 0.55 + 0.8 * cloud)
    slant = draw.uniform(0.15, 0.4) * (1 if draw.chance(0.5) else -1)
    for cells, strength in ((34, 0.6), (58, 0.5)):
        phase = (X + slant * Y) * cells + draw.uniform(0, 1)
        dash = wave(Y * draw.uniform(5, 8) + 9 * noise(draw, 60, 2))
        image = over(image, (0.85, 0.9, 0.97), smooth(0.88, 1.0, wave(phase)) * dash * strength)
    return image


def swamp(draw: Draw) -> Array:
    """Paint murky water, reeds and moss."""
    murk = noise(draw, 5, 16) * 0.6 + noise(draw, 12, 34) * 0.4
    image = shade(
        gradient(draw.colour((0.3, 0.34, 0.22), 0.04), (0.14, 0.19, 0.11)), 0.55 + 0.8 * murk
    )
    moss = smooth(0.6, 0.68, noise(draw, 8, 18) * 0.7 + noise(draw, 30, 50) * 0.3)
    image = over(image, draw.colour((0.42, 0.5, 0.16), 0.04), moss)
    for _ in range(9 + draw.below(8)):
        foot, tip, x = draw.uniform(0.5, 1.0), draw.uniform(0.02, 0.4), draw.uniform(0, 1)
        lean = sine(draw.uniform(-0.3, 0.3))
        across = np.abs(X - x - lean * (foot - Y))
        stem = (1 - smooth(0.005, 0.012, across)) * _edge(Y - tip) * (1 - _edge(Y - foot))
        image = over(image, (0.55, 0.6, 0.28), stem)
        head = (1 - smooth(0.012, 0.02, across)) * _edge(Y - tip) * (1 - _edge(Y - tip - 0.09))
        image = over(image, (0.3, 0.17, 0.08), head)
    return image


def cave(draw: Draw) -> Array:
    """Paint dark rock around a lighter opening."""
    rock = noise(draw, 6) * 0.5 + noise(draw, 16) * 0.3 + noise(draw, 40) * 0.2
    image = shade(flat(draw.colour((0.36, 0.3, 0.27), 0.04)), 0.3 + 1.0 * rock)
    dx, dy = (X - draw.uniform(0.35, 0.65)) / 0.42, (Y - draw.uniform(0.4, 0.6)) / 0.36
    radius = np.sqrt(dx * dx + dy * dy) + 0.35 * (noise(draw, 7) - 0.5)
    hole = gradient(draw.colour((0.5, 0.62, 0.7), 0.06), (0.62, 0.6, 0.5))
    image = over(image, (0.07, 0.05, 0.05), clamp(radius - 0.95) * 0.9)
    image = over(image, hole, 1 - smooth(0.62, 0.7, radius))
    for _ in range(4 + draw.below(4)):
        x, length, width = draw.uniform(0, 1), draw.uniform(0.15, 0.35), draw.uniform(0.02, 0.05)
        spike = np.abs(X - x) / width + Y / length
        image = over(image, (0.2, 0.16, 0.15), 1 - smooth(0.9, 1.0, spike))
    return image
