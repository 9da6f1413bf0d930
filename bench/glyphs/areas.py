"""How much of each cell of a grid the regions of an image cover: its scene and its things."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.glyphs.raster import SIZE
from bench.glyphs.world import masks_of, plan

GRID = 8
"""Cells on a side; each has 16 x 16 pixels."""

REGIONS = 3
"""The bare scene, the main object, the second object."""


@dataclass(frozen=True)
class Areas:
    """Regions of N images.

    Attributes:
        shares: Share of each cell that each region covers, float32 [N, REGIONS, GRID * GRID];
            exact, as multiples of 1/256.
        concepts: Color, object, scene and texture of each region, in this order, int64
            [N, REGIONS, 4]; -1 for none.
    """

    shares: NDArray[np.float32]
    concepts: NDArray[np.int64]


@lru_cache(maxsize=2)
def measure_areas(variant: str, size: int, offset: int = 0) -> Areas:
    """Measure the regions of consecutive probe images; the last results are remembered.

    Args:
        variant: One of `bench.glyphs.world.VARIANTS`.
        size: Number of images.
        offset: Number of the first image.
    """
    shares = np.zeros((size, REGIONS, GRID * GRID), dtype=np.float32)
    concepts = np.full((size, REGIONS, 4), -1, dtype=np.int64)
    for row in range(size):
        sketch = plan(offset + row, variant)
        scene, things = masks_of(sketch)
        shares[row, : 1 + len(things)] = [_cell_shares(mask) for mask in (scene, *things)]
        concepts[row, 0] = (-1, -1, sketch.scene_id, -1)
        for region, thing in enumerate(sketch.things, start=1):
            concepts[row, region] = (thing.colour_id, thing.object_id, -1, thing.texture_id)
    return Areas(shares, concepts)


def _cell_shares(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    side = SIZE // GRID
    cells = mask.reshape(GRID, side, GRID, side).sum(axis=(1, 3), dtype=np.float32)
    shares: NDArray[np.float32] = cells.ravel() / np.float32(side * side)
    return shares
