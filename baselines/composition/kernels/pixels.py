"""Find the label sets of one image's pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.threads import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PRIME = np.uint64(0x9E3779B97F4A7C15)
"""2^64 / golden ratio: multiplication maps neighbouring labels to distant slots."""


@compiled
def distinct_columns(planes: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Number the distinct columns of an array in the order of their appearance, by a hash table.

    Args:
        planes: int32 [P, n], C-contiguous.

    Returns:
        Number of each column, int32 [n], and first column of each number, int32 [K].
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
            if same:  # the usual case: regions are wide
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
