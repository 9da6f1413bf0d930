"""Sum weights over cells for all labels at once: the inner loop of the formula search.

It runs on one thread without Python's lock, so that threads search different units: a pass is too
short to share among threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.threads import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def add_weights(
    cells: NDArray[np.int64],
    rows: NDArray[np.int64],
    weights: NDArray[np.uint64],
    first: NDArray[np.int64],
    labels: NDArray[np.int32],
    sums: NDArray[np.uint64],
) -> None:
    """Add each cell's weights to the sums of all its labels.

    Args:
        cells: Cells [n].
        rows: Rows of their weights [n].
        weights: Weights, uint64 [R, W].
        first: See `Cells`.
        labels: See `Cells`.
        sums: Sums to add to in place, uint64 [C, W].
    """
    for at in range(cells.size):
        cell, weight = cells[at], weights[rows[at]]
        for place in range(first[cell], first[cell + 1]):
            label = np.uint32(labels[place])  # unsigned: a signed index may be negative
            for number in range(weights.shape[1]):
                sums[label, number] += weight[number]
