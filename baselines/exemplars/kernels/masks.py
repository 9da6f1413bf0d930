"""Masks of enlarged maps as bits; what cannot exceed a unit's level is never made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.kernels.running import compiled
from baselines.dissection.kernels.upsample import buffers, enlarge, exceeds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.dissection.kernels.running import Workers
    from baselines.dissection.upsample import Grid


def pack_masks(
    maps: NDArray[np.float32],
    floors: NDArray[np.float32],
    axes: Grid,
    bits: NDArray[np.uint8],
    workers: Workers,
) -> None:
    """Set a bit for each pixel that exceeds its unit's floor.

    Args:
        maps: float32 [U, K, h, w].
        floors: float32 [U]; nothing exceeds NaN.
        axes: From (h, w) to (sh, sw).
        bits: Set in place, uint8 [U, K, ceil(sh * sw / 8)] of zeros: pixels row by row, the first
            of eight in the highest bit, as numpy.packbits has it.
        workers: Threads to use; each has whole units.
    """
    rows, columns = axes.rows, axes.columns
    taps = (rows.start, rows.weights, columns.start, columns.weights, columns.pad)
    workers.over(len(maps), lambda first, stop: _pack(maps, floors, first, stop, *taps, bits))


@compiled
def _pack(  # type: ignore[no-untyped-def]
    maps, floors, first_unit, last_unit, row_start, row_weights, start, weights, pad, bits
):
    """See `pack_masks`; for units first_unit .. last_unit - 1."""
    _, n_images, height, width = maps.shape
    source, live, wide, lows, highs, pixels = buffers(
        height, width, pad, len(row_start), len(start)
    )
    for unit in range(first_unit, last_unit):
        floor = floors[unit]
        for image in range(n_images):
            # `enlarge` names its first axis images and its second units; it only looks maps up.
            if not exceeds(maps, unit, image, floor, pad):
                continue
            enlarge(
                maps,
                unit,
                image,
                floor,
                row_start,
                row_weights,
                start,
                weights,
                pad,
                source,
                live,
                wide,
                lows,
                highs,
                pixels,
            )
            for y in range(len(row_start)):
                for x in range(lows[y], highs[y]):
                    if pixels[y, x] > floor:
                        at = y * len(start) + x
                        bits[unit, image, at >> 3] |= np.uint8(128 >> (at & 7))


def warm_up() -> None:
    """Compile the loop, or read it from Numba's cache."""
    from baselines.dissection.kernels.running import Workers
    from baselines.dissection.upsample import grid

    bits = np.zeros((1, 1, 2), np.uint8)
    axes = grid((2, 2), (3, 3), "zero_pad_grid")
    maps = np.ones((1, 1, 2, 2), np.float32)
    pack_masks(maps, np.zeros(1, np.float32), axes, bits, Workers(None, 1))
