"""Count the pixels where units fire by the cells of an image, without storing masks.

Maps are enlarged one by one by the loops of Network Dissection's tally, which give the bits of
`baselines.dissection.upsample`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.kernels.upsample import enlarge, make_buffers
from baselines.threads import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.dissection.upsample import Grid


def count_codes(
    maps: NDArray[np.float32],
    floors: NDArray[np.float32],
    axes: Grid,
    codes: NDArray[np.int32],
    n_codes: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Count where the units fire in one image.

    Args:
        maps: float32 [U, h, w].
        floors: Threshold of each unit, float32 [U]; NaN for a unit that never fires.
        axes: Resizing from (h, w) to (sh, sw).
        codes: Code of each pixel, 0 <= code < K, int32 [sh * sw].
        n_codes: Number of codes K.

    Returns:
        Units that somewhere exceed their threshold, ascending, int64 [S]; the number of their
        pixels of each code, int32 [S, K].
    """
    units = np.flatnonzero((maps > floors[:, None, None]).any(axis=(1, 2)))
    counts = np.zeros((len(units), n_codes), np.int32)
    _count(maps[None], floors, units, axes, codes, counts)
    return units, counts


@compiled
def _count(maps, floors, units, axes, codes, counts):  # type: ignore[no-untyped-def]
    """Count units that somewhere exceed their floor, as `enlarge` requires; see `count_codes`."""
    buffers = make_buffers(maps, axes)
    low, high, pixels = buffers.low, buffers.high, buffers.pixels
    target_height, target_width = pixels.shape
    for at in range(len(units)):
        floor, own = floors[units[at]], counts[at]
        enlarge(maps, 0, units[at], floor, axes, buffers)
        for y in range(target_height):
            for x in range(low[y], high[y]):
                if pixels[y, x] > floor:
                    own[codes[y * target_width + x]] += 1
