"""The loop of the formula search: sums over cells, for all labels at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TASKS = 8
"""Parts of a formula's cells that threads take up on their own: more than threads, so that one
that is held up leaves parts to the others."""


@numba.njit(parallel=True, cache=True, nogil=True)
def weigh(
    holds: NDArray[np.bool_],
    rows: NDArray[np.int64],
    weights: NDArray[np.uint64],
    first: NDArray[np.int64],
    labels: NDArray[np.int32],
    n_labels: int,
) -> NDArray[np.uint64]:
    """Weights of the cells that a formula and a label have in common: see `overlap.weigh`."""
    n_formulas, n_weights = holds.shape[0], weights.shape[1]
    parts = np.zeros((n_formulas, _TASKS, n_labels, n_weights), np.uint64)
    for task in numba.prange(n_formulas * _TASKS):
        formula, part = task // _TASKS, task % _TASKS
        sums, member = parts[formula, part], holds[formula]
        start = rows.size * part // _TASKS
        stop = rows.size * (part + 1) // _TASKS
        for row in range(start, stop):
            cell = rows[row]
            if member[cell]:
                for at in range(first[cell], first[cell + 1]):
                    label = labels[at]
                    for weight in range(n_weights):
                        sums[label, weight] += weights[row, weight]
    # Sums of integers: the same whatever the number of threads.
    total: NDArray[np.uint64] = parts.sum(axis=1)
    return total


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
