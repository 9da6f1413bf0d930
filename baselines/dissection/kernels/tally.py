"""Compare and count masks row by row, without ever storing a whole mask.

A row of a unit's mask consists of a few intervals, and a row of a label plane of a few runs of
equal labels. The loops count overlaps of intervals with runs, not pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.kernels.upsample import enlarge, exceeds, make_buffers
from baselines.threads import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.dissection.planes import Chunk
    from baselines.dissection.upsample import Grid
    from baselines.threads import Workers


def tally_images(
    maps: NDArray[np.float32],
    floors: NDArray[np.float32],
    axes: Grid,
    chunk: Chunk,
    offset: int,
    category: NDArray[np.int64],
    counts: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    workers: Workers,
) -> None:
    """Add some images' masks to the counts of all units.

    Args:
        maps: float32 [B, U, h, w].
        floors: Threshold of each unit, float32 [U]; NaN for a unit that is never counted.
        axes: Resizing from (h, w) to the size of the planes.
        chunk: Masks of the images.
        offset: Position of the first of the B images in the chunk.
        category: Category of each label, int64 [C].
        counts: `both` [U, C], `by_category` [U, K] and `active` [U], int64; added to in place.
        workers: Threads to use. Each has whole units, so counts do not depend on their number.
    """
    workers.over(
        maps.shape[1],
        lambda first, stop: _tally(
            maps, floors, first, stop, axes, chunk, offset, category, counts
        ),
    )


@compiled
def _tally(maps, floors, first_unit, last_unit, axes, chunk, offset, category, counts):  # type: ignore[no-untyped-def]
    """Tally units first_unit .. last_unit - 1, see `tally_images`."""
    both, by_category, active = counts
    planes, ends, scalars = chunk.planes, chunk.ends, chunk.scalars
    buffers = make_buffers(maps, axes)
    lows, highs, pixels = buffers.low, buffers.high, buffers.pixels
    seen = np.zeros(by_category.shape[1], np.bool_)
    for image in range(len(maps)):
        place = offset + image
        first_plane, last_plane = chunk.plane_at[place], chunk.plane_at[place + 1]
        for unit in range(first_unit, last_unit):
            floor = floors[unit]
            if not exceeds(maps, image, unit, floor, axes.columns.pad):
                continue
            enlarge(maps, image, unit, floor, axes, buffers)
            seen[:] = chunk.present[place]
            area = 0
            for y in range(len(lows)):
                x, high = lows[y], highs[y]
                while x < high:
                    if not pixels[y, x] > floor:
                        x += 1
                        continue
                    low = x
                    while x < high and pixels[y, x] > floor:
                        x += 1
                    area += x - low
                    for plane in range(first_plane, last_plane):
                        labels, stops = planes[plane, y], ends[plane, y]
                        at = low
                        while at < x:
                            # Unsigned: Numba checks whether a signed index is negative.
                            label = labels[np.uint64(at)]
                            stop = min(np.int64(stops[np.uint64(at)]), x)
                            if label >= 0:
                                both[unit, np.uint64(label)] += stop - at
                                seen[category[np.uint64(label)]] = True
                            at = stop
            if area == 0:
                continue
            active[unit] += area
            for item in range(chunk.scalar_at[place], chunk.scalar_at[place + 1]):
                both[unit, scalars[item]] += area
            for kind in range(len(seen)):
                if seen[kind]:
                    by_category[unit, kind] += area
