"""Pack masks of enlarged maps into bits; skip pixels that cannot exceed a unit's level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.kernels.upsample import enlarge, exceeds, make_buffers
from baselines.threads import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.dissection.upsample import Grid
    from baselines.threads import Workers


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
        axes: Resizing from (h, w) to (sh, sw).
        bits: Set in place, uint8 [U, K, ceil(sh * sw / 8)] of zeros: pixels row by row, the first
            of eight in the highest bit, as in numpy.packbits.
        workers: Threads to use; each has whole units.
    """
    workers.over(len(maps), lambda first, stop: _pack(maps, floors, first, stop, axes, bits))


@compiled
def _pack(maps, floors, first_unit, last_unit, axes, bits):  # type: ignore[no-untyped-def]
    """Pack the masks of units first_unit .. last_unit - 1, see `pack_masks`."""
    buffers = make_buffers(maps, axes)
    lows, highs, pixels = buffers.low, buffers.high, buffers.pixels
    for unit in range(first_unit, last_unit):
        floor = floors[unit]
        for image in range(maps.shape[1]):
            # `enlarge` calls its first axis images and its second units; here it is the reverse.
            if not exceeds(maps, unit, image, floor, axes.columns.pad):
                continue
            enlarge(maps, unit, image, floor, axes, buffers)
            for y in range(pixels.shape[0]):
                for x in range(lows[y], highs[y]):
                    if pixels[y, x] > floor:
                        at = y * pixels.shape[1] + x
                        bits[unit, image, at >> 3] |= np.uint8(128 >> (at & 7))
