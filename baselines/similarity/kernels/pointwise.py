"""Multiply membership factors over top images: the inner loop of wpmi and soft_wpmi."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from baselines.threads import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE = 64
"""Concepts of a tile: a unit's running products (512 bytes) stay in the first-level cache, and the
probabilities of a block (2,048 images: 512 KiB) in the second."""


class Entries(NamedTuple):
    """Images of one block that are in the top K of units.

    Attributes:
        first: Entries of unit u are first[u] .. first[u + 1], int64 [U + 1].
        rows: Row of each entry's image in the block, int64 [E].
        slopes: Membership p_k of each entry, float64 [E].
        flush: Whether to flush the unit's product after the entry, bool [E].
    """

    first: NDArray[np.int64]
    rows: NDArray[np.int64]
    slopes: NDArray[np.float64]
    flush: NDArray[np.bool_]


@partial(compiled, parallel=True)
def multiply_factors(
    products: NDArray[np.float64],
    logs: NDArray[np.float64],
    probabilities: NDArray[Any],
    entries: Entries,
    offset: float,
) -> None:
    """Multiply each unit's running products by the factors of its images in one block.

    For every entry e of unit u: products[u, c] *= (1 - p_e) + offset + p_e P[row_e, c]. If
    flush[e] is set, add the product's logarithm to `logs` and reset the product to 1, before it
    underflows. Entries of a unit are processed in order, so results do not depend on threads.

    Args:
        products: Running products, float64 [U, C]; changed in place.
        logs: Logarithms of flushed products, float64 [U, C], or [0, 0] if nothing is flushed.
        probabilities: P of a block of images [B, C].
        entries: Images of the block and their units.
        offset: Added to every factor.
    """
    first, rows, slopes, flush = entries
    n_units, n_concepts = products.shape
    for tile in numba.prange((n_concepts + _TILE - 1) // _TILE):
        start = tile * _TILE
        stop = min(start + _TILE, n_concepts)
        for unit in range(n_units):
            product = products[unit, start:stop]
            entry, end = first[unit], first[unit + 1]
            while entry < end:
                # Four entries per pass over the running product are a third faster.
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
