"""Products of membership factors over top images: the inner loop of wpmi and soft_wpmi."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE = 64
"""Concepts in a tile: a unit's running products (512 bytes) stay in the first-level cache, and a
block's probabilities (2,048 images: 512 KiB) in the second."""


@numba.njit(parallel=True, cache=True, nogil=True)
def multiply_factors(
    products: NDArray[np.float64],
    logs: NDArray[np.float64],
    probabilities: NDArray[Any],
    first: NDArray[np.int64],
    rows: NDArray[np.int64],
    slopes: NDArray[np.float64],
    flush: NDArray[np.bool_],
    offset: float,
) -> None:
    """Multiply each unit's running products by the factors of its images in one block.

    For every entry e of unit u: products[u, c] *= (1 - p_e) + offset + p_e P[row_e, c]. Where
    flush[e] is set, the product's logarithm goes to `logs` and the product starts anew, before it
    underflows. Entries of a unit are taken in their order, so the bytes do not depend on threads.

    Args:
        products: Running products, float64 [U, C]; changed in place.
        logs: Logarithms of what was flushed, float64 [U, C], or [0, 0] where nothing ever is.
        probabilities: P of a block of images [B, C].
        first: Entries of unit u are first[u] .. first[u + 1], int64 [U + 1].
        rows: Image of each entry, as a row of `probabilities`.
        slopes: Its membership p_e.
        flush: Whether to flush after it.
        offset: Added to every factor.
    """
    n_units, n_concepts = products.shape
    for tile in numba.prange((n_concepts + _TILE - 1) // _TILE):
        start = tile * _TILE
        stop = min(start + _TILE, n_concepts)
        for unit in range(n_units):
            product = products[unit, start:stop]
            entry, end = first[unit], first[unit + 1]
            while entry < end:
                # Four at a time read and write the running product once: a third quicker.
                four = entry + 4 <= end
                if four and not (flush[entry] or flush[entry + 1] or flush[entry + 2]):
                    p0, p1 = slopes[entry], slopes[entry + 1]
                    p2, p3 = slopes[entry + 2], slopes[entry + 3]
                    b0 = (1.0 - p0) + offset
                    b1 = (1.0 - p1) + offset
                    b2 = (1.0 - p2) + offset
                    b3 = (1.0 - p3) + offset
                    row0 = probabilities[rows[entry], start:stop]
                    row1 = probabilities[rows[entry + 1], start:stop]
                    row2 = probabilities[rows[entry + 2], start:stop]
                    row3 = probabilities[rows[entry + 3], start:stop]
                    for c in range(product.size):
                        product[c] *= ((b0 + p0 * row0[c]) * (b1 + p1 * row1[c])) * (
                            (b2 + p2 * row2[c]) * (b3 + p3 * row3[c])
                        )
                    entry += 4
                else:
                    slope = slopes[entry]
                    base = (1.0 - slope) + offset
                    row = probabilities[rows[entry], start:stop]
                    for c in range(product.size):
                        product[c] *= base + slope * row[c]
                    entry += 1
                if flush[entry - 1]:
                    for c in range(product.size):
                        logs[unit, start + c] += np.log(product[c])
                        product[c] = 1.0


def warm_up() -> None:
    """Compile for the types that are used, so that no timed call pays for it."""
    for kind in (np.float32, np.float64):
        multiply_factors(
            np.ones((1, 1)),
            np.zeros((1, 1)),
            np.ones((1, 1), dtype=kind),
            np.array([0, 1]),
            np.zeros(1, dtype=np.int64),
            np.ones(1),
            np.zeros(1, dtype=np.bool_),
            1e-7,
        )
