"""Enlarge one map, skipping pixels that cannot exceed a floor.

The arithmetic is that of `baselines.dissection.upsample`, to the last bit. A pixel whose sources
are all at most the floor is at most the floor itself, so rows without a higher source, and the ends
of the other rows, are skipped: with a high threshold, these are most pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.threads import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Buffers(NamedTuple):
    """Working memory of `enlarge`, and its result.

    Attributes:
        source: The map, padded with zeros, float32 [h + 2 pad, w + 2 pad].
        live: Which of these rows have a value above the floor.
        wide: These rows at the target's width, if they are needed.
        low: First column of each row of `pixels` that may exceed the floor.
        high: One past the last such column; 0, as `low`, for a row without any.
        pixels: The enlarged map, valid between these columns, float32 [sh, sw].
    """

    source: NDArray[np.float32]
    live: NDArray[np.bool_]
    wide: NDArray[np.float32]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    pixels: NDArray[np.float32]


@compiled
def make_buffers(maps, axes):  # type: ignore[no-untyped-def]
    """Allocate the `Buffers` for maps [..., h, w] and a `baselines.dissection.upsample.Grid`."""
    height, width, pad = maps.shape[2], maps.shape[3], axes.columns.pad
    target_height, target_width = len(axes.rows.start), len(axes.columns.start)
    return Buffers(
        np.zeros((height + 2 * pad, width + 2 * pad), np.float32),
        np.zeros(height + 2 * pad, np.bool_),
        np.zeros((height + 2 * pad, target_width), np.float32),
        np.zeros(target_height, np.int64),
        np.zeros(target_height, np.int64),
        np.zeros((target_height, target_width), np.float32),
    )


@compiled
def exceeds(maps, image, unit, floor, pad):  # type: ignore[no-untyped-def]
    """Return whether any pixel of a map may exceed the floor; small enough to be inlined."""
    found = pad > 0 and floor < 0.0
    for y in range(maps.shape[2]):
        for x in range(maps.shape[3]):
            found |= maps[image, unit, y, x] > floor
    return found


@compiled
def enlarge(maps, image, unit, floor, axes, buffers):  # type: ignore[no-untyped-def]
    """Compute the pixels of one map that may exceed the floor; call it only if `exceeds`.

    Args:
        maps: float32 [B, U, h, w].
        image: Index of the image.
        unit: Index of the unit.
        floor: Lower bound of the wanted pixels; nothing exceeds NaN.
        axes: The `baselines.dissection.upsample.Grid`.
        buffers: Overwritten; holds the result.
    """
    rows, columns = axes
    row_start, row_weights, pad = rows
    start, weights, _ = columns
    source, live, wide, low, high, result = buffers
    height, width = maps.shape[2], maps.shape[3]
    around = pad > 0 and floor < 0.0  # the zeros themselves exceed it
    if pad > 0:
        live[0] = around
        live[height + pad] = around
    for y in range(height):
        own = around
        for x in range(width):
            value = maps[image, unit, y, x]
            source[y + pad, x + pad] = value
            own |= value > floor
        live[y + pad] = own
    n_taps, n_across = row_weights.shape[1], weights.shape[1]
    target_height, target_width = len(row_start), len(start)
    ready = 0  # number of rows of `wide` that are computed or not needed
    before, left, right = -1, 0, 0
    for at in range(target_height):
        first = row_start[at]
        if first != before:
            before = first
            left, right = 0, 0
            own = False
            for y in range(first, first + n_taps):
                own |= live[y]
            if own:
                for y in range(max(ready, first), first + n_taps):
                    for x in range(target_width):
                        total = np.float64(source[y, start[x]]) * weights[x, 0]
                        for tap in range(1, n_across):
                            total += np.float64(source[y, start[x] + tap]) * weights[x, tap]
                        wide[y, x] = np.float32(total)
                ready = max(ready, first + n_taps)
                left = target_width
                for y in range(first, first + n_taps):
                    if live[y]:
                        x = 0
                        while x < left and not wide[y, x] > floor:
                            x += 1
                        left = x
                        x = target_width
                        while x > right and not wide[y, x - 1] > floor:
                            x -= 1
                        right = x
                if left >= right:
                    left, right = 0, 0
        low[at], high[at] = left, right
        if left == right:
            continue
        # Slices halve the time: Numba checks whether an index is negative.
        line = result[at, left:right]
        if n_taps == 2:  # the usual case, which compilers vectorise
            weight, other = row_weights[at, 0], row_weights[at, 1]
            above, below = wide[first, left:right], wide[first + 1, left:right]
            for x in range(len(line)):
                line[x] = np.float32(np.float64(above[x]) * weight + np.float64(below[x]) * other)
            continue
        for x in range(len(line)):
            total = np.float64(wide[first, left + x]) * row_weights[at, 0]
            for tap in range(1, n_taps):
                total += np.float64(wide[first + tap, left + x]) * row_weights[at, tap]
            line[x] = np.float32(total)
