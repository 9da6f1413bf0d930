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
    rows: NDArray[np.int64],
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
        rows: The cells to add up, without repetition [R].
        weights: Their W weights [R, W].
        compiled: Whether by the compiled loop (see `kernels`); else by NumPy, its reference.

    Returns:
        Sums, uint64 [F, C, W].
    """
    if compiled:
        from baselines.composition.kernels import overlap

        return overlap.weigh(holds, rows, weights, cells.first, cells.labels, cells.n_labels)
    sums = np.zeros((len(holds), cells.n_labels, weights.shape[1]), np.uint64)
    for number, member in enumerate(holds):
        inside = member[rows]
        counts = np.diff(cells.first)[rows[inside]]
        lists = [cells.labels_of(cell) for cell in rows[inside]]
        bears = np.concatenate([cells.labels[:0], *lists])
        np.add.at(sums[number], bears, np.repeat(weights[inside], counts, axis=0))
    return sums
