"""The loops of rank_reorder on a CPU: each concept ranks the images once, for all units.

A unit's top images must be ranked among themselves by every concept. Sorting them costs O(n log n)
per unit and concept. Here a concept's scores of all images are sorted once; a unit's n images then
set their bits in a bitset of the sorted places, and the rank of an image is the number of bits
below its own: a running count per 64-bit word, and a population count within the word.

Results do not depend on the number of threads: a thread processes whole concepts (or units), and
sums in the order of the images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numba.extending import intrinsic

from baselines.threads import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from baselines.threads import Workers

# Unsigned: checking signed indices halves the speed of the loops.
_ONE, _LOW, _WORD = np.uint64(1), np.uint64(63), np.uint64(6)
_HALF, _INDEX = np.uint64(32), np.uint64(0xFFFFFFFF)
_ONE32 = np.uint32(1)
_DIGIT_BITS, _DIGITS = 12, 3  # of a 32-bit number; 4,096 counters fit the first-level cache
_SIGN, _ALL = np.uint32(0x80000000), np.uint32(0xFFFFFFFF)
_TIED = np.uint32(0x80000000)  # marks a place of several images
_LINE = 16  # scores in a cache line


def rank_errors(
    scores: NDArray[np.float32],
    rows: NDArray[np.uint32],
    top: NDArray[np.uint32],
    targets: NDArray[np.float32] | NDArray[np.float64],
    p: float,
    workers: Workers,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return re-ordering errors and mean scores of units and concepts.

    Args:
        scores: Concept scores [N, C], finite; N below 2^31.
        rows: Top images of any unit, as rows of `scores`, [R].
        top: Top images of each unit, most activating first, as elements of `rows`, [U, n].
        targets: Activations of the top images, descending, [U, n]; float32 is faster.
        p: Power of the error, above 0.
        workers: Threads to use.

    Returns:
        Mean over j of |t_j - s[r_j]|^p, and mean of the scores of the top images; both [C, U].
    """
    errors = np.empty((scores.shape[1], len(top)))
    means = np.empty_like(errors)

    def run(start: int, stop: int) -> None:
        block = slice(start, stop)
        _rank_errors(scores[:, block], rows, top, targets, p, errors[block], means[block])

    workers.over(scores.shape[1], run, multiple=_LINE)
    return errors, means


def expected_errors(
    targets: NDArray[np.float64], p: float, workers: Workers
) -> NDArray[np.float64]:
    """Return each unit's error of a random order, the mean of |t_i - t_j|^p over all pairs, [U].

    Args:
        targets: Activations [U, n].
        p: Power of the error, above 0.
        workers: Threads to use.
    """
    errors = np.empty(len(targets))
    workers.over(
        len(targets),
        lambda first, stop: _expected_errors(targets[first:stop], p, errors[first:stop]),
    )
    return errors


def _population_code(typing_context, word):  # type: ignore[no-untyped-def]
    """Compile `_population` to one machine instruction, which Numba does not offer."""

    def code(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return numba.uint64(numba.uint64), code


_population: Callable[..., Any] = intrinsic(_population_code)
"""Number of bits set in a 64-bit word."""


@compiled
def _power(difference, p):  # type: ignore[no-untyped-def]
    """Return |difference|^p; fast for the usual powers."""
    size = abs(difference)
    if p == 3.0:
        return size * size * size
    if p == 2.0:
        return size * size
    if p == 1.0:
        return size
    return size**p


@compiled
def _growing(number):  # type: ignore[no-untyped-def]
    """Return a float32's bits as a number that grows with its value; -0.0 equals 0.0."""
    if number == _SIGN:
        return _SIGN
    return number ^ (_ALL if number & _SIGN else _SIGN)  # bits of negative numbers grow downwards


@compiled
def _sort_into_places(scores, places, keys, spare, counts, last):  # type: ignore[no-untyped-def]
    """Place of each image [R] in the ascending order of its scores [R].

    Images of equal score share the first of their places, marked by _TIED; their order depends on
    the unit. A radix sort, linear in R, of 64-bit keys [R] (with a spare [R]): the score's bits
    above the image's index.
    """
    size = len(scores)
    bits = scores.view(np.uint32)
    least, most = _ALL, np.uint32(0)
    for image in range(size):
        number = _growing(bits[image])
        least, most = min(least, number), max(most, number)
    # Cosines of one concept span some 24 bits, two digits; those about 0 span 32 bits.
    width = 1
    while (most - least) >> np.uint32(width) and width < 32:
        width += 1
    digits = (width + _DIGIT_BITS - 1) // _DIGIT_BITS
    step = (width + digits - 1) // digits
    mask = np.uint64((1 << step) - 1)
    counts[:digits] = 0
    for image in range(size):
        key = np.uint64(_growing(bits[image]) - least) << _HALF | np.uint64(image)
        keys[image] = key
        for digit in range(digits):
            counts[np.uint64(digit), key >> np.uint64(32 + step * digit) & mask] += _ONE32
    for digit in range(digits):
        row = counts[digit]
        total = np.uint32(0)
        for bucket in range(len(row)):
            count = row[bucket]
            row[bucket] = total
            total += count
    for digit in range(digits - 1):
        row, shift = counts[digit], np.uint64(32 + step * digit)
        for image in range(size):
            key = keys[image]
            bucket = key >> shift & mask
            spare[row[bucket]] = key
            row[bucket] += _ONE32
        keys, spare = spare, keys
    # The last pass yields the places, without moving keys. Equal scores are adjacent in a bucket.
    row, shift = counts[digits - 1], np.uint64(32 + step * (digits - 1))
    last[:] = ~np.uint64(0)  # not a key of any finite score
    for at in range(size):
        key = keys[at]
        bucket = key >> shift & mask
        place = row[bucket]
        row[bucket] = place + _ONE32
        before = last[bucket]
        last[bucket] = key
        if before >> _HALF == key >> _HALF:
            place = places[before & _INDEX] | _TIED
            places[before & _INDEX] = place
        places[key & _INDEX] = place


@compiled
def _rank_errors(scores, rows, top, targets, p, errors, means):  # type: ignore[no-untyped-def]
    """See `rank_errors`."""
    size, depth = len(rows), top.shape[1]
    lines = np.empty((_LINE, size), np.float32)
    counts = np.empty((_DIGITS, 1 << _DIGIT_BITS), np.uint32)
    last = np.empty(1 << _DIGIT_BITS, np.uint64)
    keys, spare = np.empty(size, np.uint64), np.empty(size, np.uint64)
    places = np.empty(size, np.uint32)
    taken = np.zeros(size, np.uint32)  # number of ranked images of a shared place
    shared = np.empty(depth, np.uint32)  # entries of `taken` to reset
    own = np.empty(depth, np.uint32)
    bits = np.empty((size + 63) // 64, np.uint64)
    below = np.empty(len(bits), np.uint32)  # bits set in the previous words
    highest = np.uint64(depth - 1)
    for concept in range(scores.shape[1]):
        if concept % _LINE == 0:
            width = min(_LINE, scores.shape[1] - concept)
            for at in range(size):
                line = scores[rows[at]]
                for offset in range(width):
                    lines[offset, at] = line[concept + offset]
        row = lines[concept % _LINE]
        _sort_into_places(row, places, keys, spare, counts, last)
        for unit in range(len(top)):
            images = top[unit]
            total, n_shared = 0.0, np.uint64(0)
            bits[:] = 0
            for j in range(depth):
                image = np.uint64(images[j])
                total += row[image]
                place = places[image]
                if place & _TIED:
                    # Rank equal scores by j.
                    place ^= _TIED
                    shared[n_shared] = place
                    n_shared += _ONE
                    ahead = taken[place]
                    taken[place] = ahead + _ONE32
                    place += ahead
                own[j] = place
                bits[np.uint64(place) >> _WORD] |= _ONE << (np.uint64(place) & _LOW)
            for k in range(n_shared):
                taken[shared[k]] = 0
            n_below = np.uint32(0)
            for word in range(len(bits)):
                below[word] = n_below
                n_below += np.uint32(_population(bits[word]))
            target = targets[unit]
            error = 0.0
            for j in range(depth):
                place64 = np.uint64(own[j])
                word64 = place64 >> _WORD
                inside = bits[word64] & ((_ONE << (place64 & _LOW)) - _ONE)
                rank = np.uint64(below[word64]) + _population(inside)
                error += _power(np.float64(target[j]) - np.float64(target[highest - rank]), p)
            errors[concept, unit] = error / depth
            means[concept, unit] = total / depth


@compiled
def _expected_errors(targets, p, errors):  # type: ignore[no-untyped-def]
    """See `expected_errors`. One sum per column, so that the loop is vectorised."""
    depth = targets.shape[1]
    sums = np.empty(depth)
    for unit in range(len(targets)):
        row = targets[unit]
        sums[:] = 0.0
        for i in range(1, depth):
            for j in range(i):
                sums[j] += _power(row[i] - row[j], p)
        total = 0.0
        for j in range(depth):
            total += sums[j]
        errors[unit] = 2.0 * total / depth / depth  # each pair is counted once
