"""Up-sampling one map, leaving out what cannot exceed a floor.

The arithmetic is that of `baselines.dissection.upsample`, to the last bit. A pixel whose sources
are all at most the floor is at most the floor itself, so rows and ends of rows without a higher
source are never made: of a sharp threshold's masks, most.
"""

from __future__ import annotations

import numpy as np

from baselines.dissection.kernels.running import compiled


@compiled
def buffers(height, width, pad, target_height, target_width):  # type: ignore[no-untyped-def]
    """What `enlarge` works in: source, live, wide, low, high and result, in its order."""
    source = np.zeros((height + 2 * pad, width + 2 * pad), np.float32)
    live = np.zeros(height + 2 * pad, np.bool_)
    wide = np.zeros((height + 2 * pad, target_width), np.float32)
    low, high = np.zeros(target_height, np.int64), np.zeros(target_height, np.int64)
    result = np.zeros((target_height, target_width), np.float32)
    return source, live, wide, low, high, result


@compiled
def exceeds(maps, image, unit, floor, pad):  # type: ignore[no-untyped-def]
    """Whether any pixel of a map may exceed the floor. Small, to be compiled into its caller."""
    found = pad > 0 and floor < 0.0
    for y in range(maps.shape[2]):
        for x in range(maps.shape[3]):
            found |= maps[image, unit, y, x] > floor
    return found


@compiled
def enlarge(  # type: ignore[no-untyped-def]
    maps,
    image,
    unit,
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
    result,
):
    """Make the pixels of one map that may exceed the floor, as `exceeds` has found.

    Args:
        maps: float32 [B, U, h, w].
        image: Which image's.
        unit: Which unit's.
        floor: Lower bound of what is wanted; nothing exceeds NaN.
        row_start: Of the rows' axis (see `baselines.dissection.upsample.Axis`).
        row_weights: Of the rows' axis.
        start: Of the columns' axis.
        weights: Of the columns' axis.
        pad: Zeros on either side.
        source: The map between its zeros; its margin holds zeros, [h + 2 pad, w + 2 pad].
        live: Which of these rows have a value above the floor.
        wide: These rows at the target's width, where they are needed.
        low: Filled in: first column of each row of `result` that may exceed the floor.
        high: Filled in: the column after the last one; 0, as `low`, for a row without any.
        result: Filled in between these columns, float32 [sh, sw].
    """
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
    made = 0  # rows of `wide` up to here are made, or not needed
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
                for y in range(max(made, first), first + n_taps):
                    for x in range(target_width):
                        total = np.float64(source[y, start[x]]) * weights[x, 0]
                        for tap in range(1, n_across):
                            total += np.float64(source[y, start[x] + tap]) * weights[x, tap]
                        wide[y, x] = np.float32(total)
                made = max(made, first + n_taps)
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
        # Slices, as an index that may be negative (for all Numba knows) costs half of the speed.
        line = result[at, left:right]
        if n_taps == 2:  # the usual case, which the compiler can do many columns at a time
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
