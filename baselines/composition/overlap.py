"""Sums over the cells that a formula and a label have in common, by compiled loops or by NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.composition.cells import Cells


def weigh(
    cells: Cells,
    holds: NDArray[np.bool_],
    rows: NDArray[np.int64] | None,
    weights: NDArray[np.uint64],
    *,
    compiled: bool = True,
) -> NDArray[np.uint64]:
    """Add up weights of cells over the intersection of each formula with each label.

    sum[f, l, w] = sum of weights[r, w] over the rows r whose cell is in formula f and bears l.
    One pass over a formula's cells gives all C labels; sums wrap around at 2^64.

    Args:
        cells: A cells, C labels.
        holds: Where each of F formulas holds, bool [F, A].
        rows: The cells to add up, without repetition [R]; None for all A, in their order.
        weights: Their W weights [R, W].
        compiled: Whether by the compiled loop (see `kernels`); else by NumPy, its reference.

    Returns:
        Sums, uint64 [F, C, W].
    """
    sums = np.zeros((len(holds), cells.n_labels, weights.shape[1]), np.uint64)
    for own, member in zip(sums, holds, strict=True):
        at = np.flatnonzero(member if rows is None else member[rows])
        inside = at if rows is None else rows[at]
        if compiled:
            from baselines.composition.kernels.overlap import add_weights

            add_weights(inside, at, weights, cells.first, cells.labels, own)
            continue
        lists = [cells.labels_of(cell) for cell in inside]
        bears = np.concatenate([cells.labels[:0], *lists])
        counts = [len(labels) for labels in lists]
        np.add.at(own, bears, np.repeat(weights[at], counts, axis=0))
    return sums
