"""Count values by their bits, for exact quantiles in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.dissection.kernels.upsample import enlarge, exceeds, make_buffers
from baselines.threads import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.dissection.upsample import Grid
    from baselines.threads import Workers

_SIGN, _ALL = np.uint32(0x80000000), np.uint32(0xFFFFFFFF)
_HALF, _LOW = np.uint32(16), np.uint32(0xFFFF)
_EXPONENT = np.uint32(0x7F800000)  # all its bits set: NaN or an infinity


class KeyCounts(NamedTuple):
    """Counts of the values' keys by unit, and which keys to count.

    A key consists of the 32 bits of a value, mapped so that keys grow with values.

    Attributes:
        floors: Values at most the floor are not counted, float32 [U]; nothing exceeds NaN.
        bins: -1 to count keys by their upper 16 bits, or such a number, to count the keys that
            begin with it by their lower 16 bits, int64 [U].
        counts: Added to in place, [U, 2^16].
        least: Lowest key above the bin, uint32 [U]; lowered in place if a bin is given.
        broken: Units with a value that is not finite, bool [U]; set in place if maps are counted
            without up-sampling.
    """

    floors: NDArray[np.float32]
    bins: NDArray[np.int64]
    counts: NDArray[np.uint32] | NDArray[np.int64]
    least: NDArray[np.uint32]
    broken: NDArray[np.bool_]


def count_values(
    maps: NDArray[np.float32], axes: Grid | None, keys: KeyCounts, workers: Workers
) -> None:
    """Count the values of a batch that exceed their unit's floor.

    Args:
        maps: float32 [B, U, h, w].
        axes: Resizing to the size at which values are counted; None to count the maps' values.
        keys: What to count, and the counts.
        workers: Threads to use.
    """
    if axes is None:
        flat = maps.reshape(len(maps), maps.shape[1], -1)
        workers.over(maps.shape[1], lambda first, stop: _count(flat, first, stop, keys))
    else:
        workers.over(
            maps.shape[1], lambda first, stop: _count_upsampled(maps, first, stop, axes, keys)
        )


@compiled
def find(counts, rank):  # type: ignore[no-untyped-def]
    """Return the bin of each unit's rank, and the number of values in the bins before it.

    Args:
        counts: Values in each bin [U, B].
        rank: Rank from 0, int64 [U].

    Returns:
        Bins, int64 [U], the last one for a rank beyond all values; number of values before the
        bin, int64 [U].
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
    """Return the lowest key above (bins, rest) within the bin; the highest key if there is none.

    Args:
        counts: Values of each bin by the lower half of their keys [U, 2^16].
        bins: Upper halves of keys, int64 [U].
        rest: Lower halves of keys, int64 [U].

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
    key = number ^ (_ALL if number & _SIGN else _SIGN)  # bits of negative numbers grow downwards
    high = np.int64(key >> _HALF)
    if wanted < 0:
        counts[unit, high] += 1
    elif high == wanted:
        counts[unit, np.int64(key & _LOW)] += 1
    elif high > wanted and key < least[unit]:
        least[unit] = key


@compiled
def _count(maps, first_unit, last_unit, keys):  # type: ignore[no-untyped-def]
    """Count units first_unit .. last_unit - 1 of maps [B, U, P], see `count_values`."""
    floors, bins, counts, least, broken = keys
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
def _count_upsampled(maps, first_unit, last_unit, axes, keys):  # type: ignore[no-untyped-def]
    """Count up-sampled values of units first_unit .. last_unit - 1, see `count_values`."""
    floors, bins, counts, least, _ = keys
    buffers = make_buffers(maps, axes)
    lows, highs, pixels = buffers.low, buffers.high, buffers.pixels
    bits = pixels.view(np.uint32)
    for image in range(len(maps)):
        for unit in range(first_unit, last_unit):
            floor, wanted = floors[unit], bins[unit]
            if not exceeds(maps, image, unit, floor, axes.columns.pad):
                continue
            enlarge(maps, image, unit, floor, axes, buffers)
            for y in range(len(lows)):
                for x in range(lows[y], highs[y]):
                    if pixels[y, x] > floor:
                        _add(bits[y, x], wanted, counts, unit, least)
