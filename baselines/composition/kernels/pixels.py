"""Loops over the pixels of one image, which let go of Python's lock: threads take images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PRIME = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: multiplied by it, neighbouring labels go to distant places."""


@numba.njit(cache=True, nogil=True)
def distinct_columns(
    planes: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Number the distinct columns of an array in the order of their first appearance.

    Args:
        planes: int32 [P, n], C-contiguous.

    Returns:
        The number of each column, int32 [n], and where each number appears first, int32 [K].
    """
    n_planes, n = planes.shape
    codes = np.empty(n, np.int32)
    examples = np.empty(n, np.int32)
    bits = 1
    while (1 << bits) < 2 * n:
        bits += 1
    shift, mask = np.uint64(64 - bits), np.uint64((1 << bits) - 1)
    table = np.full(1 << bits, -1, np.int32)
    count = 0
    for pixel in range(n):
        if pixel > 0:
            same = True
            for plane in range(n_planes):
                if planes[plane, pixel] != planes[plane, pixel - 1]:
                    same = False
                    break
            if same:  # most often: regions are wide
                codes[pixel] = codes[pixel - 1]
                continue
        key = np.uint64(0)
        for plane in range(n_planes):
            key = (key ^ np.uint64(np.uint32(planes[plane, pixel]))) * _PRIME
        slot = key >> shift
        while True:
            code = table[slot]
            if code < 0:
                table[slot] = count
                codes[pixel] = count
                examples[count] = pixel
                count += 1
                break
            same = True
            for plane in range(n_planes):
                if planes[plane, pixel] != planes[plane, examples[code]]:
                    same = False
                    break
            if same:
                codes[pixel] = code
                break
            slot = (slot + np.uint64(1)) & mask
    return codes, examples[:count].copy()


@numba.njit(cache=True, nogil=True)
def count_codes(
    masks: NDArray[np.bool_], codes: NDArray[np.int32], n_codes: int
) -> NDArray[np.int32]:
    """How often each code occurs inside each mask.

    Args:
        masks: bool [S, n].
        codes: Of every pixel, 0 <= code < K, int32 [n].
        n_codes: K.

    Returns:
        Counts, int32 [S, K].
    """
    counts = np.zeros((masks.shape[0], n_codes), np.int32)
    for row in range(masks.shape[0]):
        own = counts[row]
        mask = masks[row]
        for pixel in range(codes.size):
            if mask[pixel]:
                own[codes[pixel]] += 1
    return counts


def warm_up() -> None:
    """Compile for the types that are used, so that no timed call pays for it."""
    codes, _ = distinct_columns(np.zeros((1, 1), np.int32))
    count_codes(np.zeros((1, 1), np.bool_), codes, 1)
