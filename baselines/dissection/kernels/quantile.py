"""Counting values by their bits, for exact quantiles in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.kernels.running import compiled
from baselines.dissection.kernels.upsample import buffers, enlarge, exceeds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.dissection.kernels.running import Workers
    from baselines.dissection.upsample import Grid

_SIGN, _ALL = np.uint32(0x80000000), np.uint32(0xFFFFFFFF)
_HALF, _LOW = np.uint32(16), np.uint32(0xFFFF)
_EXPONENT = np.uint32(0x7F800000)  # all its bits set: NaN or an infinity


def count_values(
    maps: NDArray[np.float32],
    axes: Grid | None,
    floors: NDArray[np.float32],
    bins: NDArray[np.int64],
    counts: NDArray[np.uint32] | NDArray[np.int64],
    least: NDArray[np.uint32],
    broken: NDArray[np.bool_],
    workers: Workers,
) -> None:
    """Count the values of a batch that exceed their unit's floor.

    A value's key is its 32 bits, turned so that keys grow with values.

    Args:
        maps: float32 [B, U, h, w].
        axes: To the size at which values are counted; None counts them as they are.
        floors: float32 [U]; nothing exceeds NaN or infinity.
        bins: Of each unit, -1 to count keys by their upper 16 bits, or such a number, to count
            the keys that begin with it by their lower 16 bits, int64 [U].
        counts: Added to in place, [U, 2^16].
        least: Where a bin is given: lowered to the lowest key beyond that bin, uint32 [U].
        broken: Set for units with a value that is not finite, where `axes` is None, bool [U].
        workers: Threads to use.
    """
    if axes is None:
        flat = maps.reshape(len(maps), maps.shape[1], -1)
        workers.over(
            maps.shape[1],
            lambda first, stop: _count(flat, first, stop, floors, bins, counts, least, broken),
        )
        return
    rows, columns = axes.rows, axes.columns
    workers.over(
        maps.shape[1],
        lambda first, stop: _count_upsampled(
            maps,
            first,
            stop,
            *(rows.start, rows.weights, columns.start, columns.weights, columns.pad),
            *(floors, bins, counts, least),
        ),
    )


@compiled
def find(counts, rank):  # type: ignore[no-untyped-def]
    """The bin that holds each unit's rank, and how many values lie in the bins before it.

    Args:
        counts: Values in each bin [U, B].
        rank: From 0, int64 [U].

    Returns:
        Bins int64 [U], the last one for a rank beyond all values; and values before it int64 [U].
    """
    n_units, n_bins = counts.shape
    bins, before = np.full(n_units, n_bins - 1), np.zeros(n_units, np.int64)
    for unit in range(n_units):
        total = np.int64(0)
        for at in range(n_bins):
            count = np.int64(counts[unit, at])
            if total + count > rank[unit] or at == n_bins - 1:
                bins[unit], before[unit] = at, total
                break
            total += count
    return bins, before


@compiled
def next_key(counts, bins, rest):  # type: ignore[no-untyped-def]
    """The lowest key above (bins, rest) within the bin; the highest of all where there is none.

    Args:
        counts: Values of each bin by the lower half of their keys [U, 2^16].
        bins: The upper half, int64 [U].
        rest: The lower half, int64 [U].

    Returns:
        Keys, uint32 [U].
    """
    result = np.full(len(counts), _ALL, np.uint32)
    for unit in range(len(counts)):
        for at in range(rest[unit] + 1, counts.shape[1]):
            if counts[unit, at]:
                result[unit] = np.uint32(bins[unit] << 16 | at)
                break
    return result


@compiled
def _add(number, wanted, counts, unit, least):  # type: ignore[no-untyped-def]
    """Count one value by its bits."""
    if number == _SIGN:  # -0.0 and 0.0 are one value
        number = np.uint32(0)
    key = number ^ (_ALL if number & _SIGN else _SIGN)  # negative numbers' bits grow downwards
    high = np.int64(key >> _HALF)
    if wanted < 0:
        counts[unit, high] += 1
    elif high == wanted:
        counts[unit, np.int64(key & _LOW)] += 1
    elif high > wanted and key < least[unit]:
        least[unit] = key


@compiled
def _count(maps, first_unit, last_unit, floors, bins, counts, least, broken):  # type: ignore[no-untyped-def]
    """See `count_values`; for units first_unit .. last_unit - 1 of maps [B, U, P]."""
    bits = maps.view(np.uint32)
    for image in range(len(maps)):
        for unit in range(first_unit, last_unit):
            floor, wanted = floors[unit], bins[unit]
            for at in range(maps.shape[2]):
                number = bits[image, unit, at]
                if number & _EXPONENT == _EXPONENT:
                    broken[unit] = True
                if maps[image, unit, at] > floor:
                    _add(number, wanted, counts, unit, least)


@compiled
def _count_upsampled(  # type: ignore[no-untyped-def]
    maps,
    first_unit,
    last_unit,
    row_start,
    row_weights,
    start,
    weights,
    pad,
    floors,
    bins,
    counts,
    least,
):
    """See `count_values`."""
    n_images, _, height, width = maps.shape
    source, live, wide, lows, highs, pixels = buffers(
        height, width, pad, len(row_start), len(start)
    )
    bits = pixels.view(np.uint32)
    for image in range(n_images):
        for unit in range(first_unit, last_unit):
            floor, wanted = floors[unit], bins[unit]
            if not exceeds(maps, image, unit, floor, pad):
                continue
            enlarge(
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
                lows,
                highs,
                pixels,
            )
            for y in range(len(row_start)):
                for x in range(lows[y], highs[y]):
                    if pixels[y, x] > floor:
                        _add(bits[y, x], wanted, counts, unit, least)


def warm_up() -> None:
    """Compile the loops, or read them from Numba's cache."""
    from baselines.dissection.kernels.running import Workers
    from baselines.dissection.upsample import grid

    maps, floors = np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32)
    bins, least = np.array([-1]), np.zeros(1, np.uint32)
    for kind in (np.uint32, np.int64):
        counts = np.zeros((1, 1 << 16), kind)
        for axes in (None, grid((1, 1), (1, 1), "half_pixel")):
            count_values(
                *(maps, axes, floors, bins, counts, least, np.zeros(1, np.bool_)),
                Workers(None, 1),
            )
        rank, _ = find(counts, np.zeros(1, np.int64))
        next_key(counts, rank, rank)
