"""The loop of the formula search: sums over cells, for all labels at once.

It keeps to one thread and lets go of Python's lock, so that threads search for units of their own:
a pass takes a millisecond, in which two threads lose more by waiting for each other than they gain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.kernels.running import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray


def weigh(
    holds: NDArray[np.bool_],
    rows: NDArray[np.int64],
    weights: NDArray[np.uint64],
    first: NDArray[np.int64],
    labels: NDArray[np.int32],
    n_labels: int,
) -> NDArray[np.uint64]:
    """Weights of the cells that a formula and a label have in common: see `overlap.weigh`."""
    total = np.zeros((len(holds), n_labels, weights.shape[1]), np.uint64)
    _weigh(holds, rows, weights, first, labels, total)
    return total


@compiled
def _weigh(holds, rows, weights, first, labels, total):  # type: ignore[no-untyped-def]
    """See `weigh`."""
    n_formulas, n_weights = holds.shape[0], weights.shape[1]
    for formula in range(n_formulas):
        sums, member = total[formula], holds[formula]
        for row in range(rows.size):
            cell = rows[row]
            if member[cell]:
                weight = weights[row]
                for at in range(first[cell], first[cell + 1]):
                    label = np.uint32(labels[at])  # unsigned: a signed index may be negative
                    for number in range(n_weights):
                        sums[label, number] += weight[number]


def warm_up() -> None:
    """Compile for the types that are used, so that no timed call pays for it."""
    weigh(
        np.zeros((1, 1), np.bool_),
        np.zeros(1, np.int64),
        np.zeros((1, 1), np.uint64),
        np.zeros(2, np.int64),
        np.zeros(0, np.int32),
        1,
    )
