"""Compute cubes and squares of a tile of concept scores in one pass."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from baselines.threads import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray


@partial(compiled, parallel=True)
def add_squares(tile: NDArray[Any], squares: NDArray[np.float64]) -> None:
    """Add the squares of a tile's columns to running sums.

    Args:
        tile: Scores [R, C], row after row.
        squares: Running sums, float64 [B, C]; changed in place. Each of B bands of rows has its own
            sum, so that results do not depend on the number of threads.
    """
    n_rows, n_columns = tile.shape
    bands = len(squares)
    for band in numba.prange(bands):
        sums = squares[band]
        for i in range(band * n_rows // bands, (band + 1) * n_rows // bands):
            row = tile[i]
            for c in range(n_columns):
                x = np.float64(row[c])
                sums[c] += x * x


@partial(compiled, parallel=True)
def centre_and_cube(
    tile: NDArray[Any],
    means: NDArray[np.float64],
    cubes: NDArray[Any],
    squares: NDArray[np.float64],
) -> None:
    """Write (x - mean)^3 of a tile's columns, and add the squares of that to running sums.

    Args:
        tile: Scores [R, C], row after row.
        means: Means of the columns, float64 [C].
        cubes: Output, [R, C]; may be the tile.
        squares: Running sums, see `add_squares`.
    """
    n_rows, n_columns = tile.shape
    bands = len(squares)
    for band in numba.prange(bands):
        sums = squares[band]
        for i in range(band * n_rows // bands, (band + 1) * n_rows // bands):
            row, cubed = tile[i], cubes[i]
            for c in range(n_columns):
                x = np.float64(row[c]) - means[c]
                x = x * x * x
                cubed[c] = x
                sums[c] += x * x
