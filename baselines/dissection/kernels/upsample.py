"""Up-sampling a map row by row, leaving out what cannot exceed a floor.

The arithmetic is that of `baselines.dissection.upsample`, to the last bit. A pixel whose sources
are all at most the floor is at most the floor itself, so rows and ends of rows without a higher
source are never made: of a sharp threshold's masks, most.
"""

from __future__ import annotations

import numpy as np

from baselines.dissection.kernels.running import compiled


@compiled
def load(values, pad, floor, source, live, done):  # type: ignore[no-untyped-def]
    """Put a map [h, w] between its zeros, and say whether any value exceeds the floor.

    Args:
        values: The map.
        pad: Zeros on either side.
        floor: Lower bound of what is wanted; nothing exceeds NaN.
        source: Filled in, [h + 2 pad, w + 2 pad]; its margin holds zeros.
        live: Filled in, [h + 2 pad]: which rows have a value above the floor.
        done: Set back, [h + 2 pad]: which rows `row` has widened.
    """
    height, width = values.shape
    around = pad > 0 and floor < 0.0  # the zeros themselves exceed it
    any_live = around
    live[:] = around
    done[:] = False
    for y in range(height):
        for x in range(width):
            value = values[y, x]
            source[y + pad, x + pad] = value
            if value > floor:
                live[y + pad] = True
                any_live = True
    return any_live


@compiled
def row(at, row_start, row_weights, start, weights, floor, source, live, done, wide, window, line):  # type: ignore[no-untyped-def]
    """Make row `at` of the up-sampled map, within the columns that may exceed the floor.

    Args:
        at: Target row.
        row_start: Of the rows' axis.
        row_weights: Of the rows' axis.
        start: Of the columns' axis.
        weights: Of the columns' axis.
        floor: As in `load`.
        source: As `load` left it.
        live: As `load` left it.
        done: Kept between the rows of a map.
        wide: Source rows at the target's width, kept between rows, [h + 2 pad, sw].
        window: (first source row, first column, last column + 1) of the row before; its first
            entry is -1 before a map's first row.
        line: Filled in between the two columns, [sw].
    """
    n_taps = row_weights.shape[1]
    first = row_start[at]
    if window[0] != first:
        _open(first, n_taps, start, weights, floor, source, live, done, wide, window)
    low, high = window[1], window[2]
    if n_taps == 2:  # the usual case, which the compiler can do many columns at a time
        weight, other = row_weights[at, 0], row_weights[at, 1]
        above, below = wide[first], wide[first + 1]
        for x in range(low, high):
            line[x] = np.float32(np.float64(above[x]) * weight + np.float64(below[x]) * other)
        return
    for x in range(low, high):
        total = np.float64(wide[first, x]) * row_weights[at, 0]
        for tap in range(1, n_taps):
            total += np.float64(wide[first + tap, x]) * row_weights[at, tap]
        line[x] = np.float32(total)


@compiled
def _open(first, n_taps, start, weights, floor, source, live, done, wide, window):  # type: ignore[no-untyped-def]
    """Widen the source rows of the next target rows, and find the columns to make."""
    window[0], window[1], window[2] = first, 0, 0
    any_live = False
    for y in range(first, first + n_taps):
        any_live = any_live or live[y]
    if not any_live:
        return
    width = wide.shape[1]
    for y in range(first, first + n_taps):
        if done[y]:
            continue
        done[y] = True
        for x in range(width):
            total = np.float64(source[y, start[x]]) * weights[x, 0]
            for tap in range(1, weights.shape[1]):
                total += np.float64(source[y, start[x] + tap]) * weights[x, tap]
            wide[y, x] = np.float32(total)
    low, high = width, 0
    for y in range(first, first + n_taps):
        if not live[y]:
            continue
        x = 0
        while x < low and not wide[y, x] > floor:
            x += 1
        low = min(low, x)
        x = width
        while x > high and not wide[y, x - 1] > floor:
            x -= 1
        high = max(high, x)
    if low < high:
        window[1], window[2] = low, high
