"""Counting the pixels where units fire, by the cells of an image; their masks never exist.

Maps are enlarged one by one by the loops of Network Dissection's tally, whose bits are those of
`baselines.dissection.upsample`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.kernels.running import compiled
from baselines.dissection.kernels.upsample import buffers, enlarge

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
    """Where the units of one image fire.

    Args:
        maps: float32 [U, h, w].
        floors: Each unit's threshold, float32 [U]; NaN for a unit that never fires.
        axes: From (h, w) to (sh, sw).
        codes: Of every pixel, 0 <= code < K, int32 [sh * sw].
        n_codes: K.

    Returns:
        The units that somewhere exceed their threshold, ascending, int64 [S], and how many of
        their pixels bear each code, int32 [S, K].
    """
    units = np.flatnonzero((maps > floors[:, None, None]).any(axis=(1, 2)))
    counts = np.zeros((len(units), n_codes), np.int32)
    _count(
        maps[None],
        floors,
        units,
        *(axes.rows.start, axes.rows.weights),
        *(axes.columns.start, axes.columns.weights),
        axes.columns.pad,
        codes,
        counts,
    )
    return units, counts


@compiled
def _count(  # type: ignore[no-untyped-def]
    maps, floors, units, row_start, row_weights, start, weights, pad, codes, counts
):
    """See `count_codes`."""
    _, _, height, width = maps.shape
    target_height, target_width = len(row_start), len(start)
    source, live, wide, low, high, pixels = buffers(height, width, pad, target_height, target_width)
    for at in range(len(units)):
        floor, own = floors[units[at]], counts[at]  # somewhere exceeded, as `enlarge` asks for
        enlarge(
            maps,
            0,
            units[at],
            floor,
            row_start,
            row_weights,
            start,
            weights,
            pad,
            source,
            live,
            wide,
            low,
            high,
            pixels,
        )
        for y in range(target_height):
            for x in range(low[y], high[y]):
                if pixels[y, x] > floor:
                    own[codes[y * target_width + x]] += 1


def warm_up() -> None:
    """Compile the loop, or read it from Numba's cache."""
    from baselines.dissection.upsample import grid

    maps, floors = np.ones((1, 1, 1), np.float32), np.zeros(1, np.float32)
    count_codes(maps, floors, grid((1, 1), (1, 1), "half_pixel"), np.zeros(1, np.int32), 1)
