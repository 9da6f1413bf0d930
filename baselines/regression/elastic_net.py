"""The elastic net, with an active set of concepts for each unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.regression.kernels.descent import descend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.regression.concepts import ConceptValues

    Floats = NDArray[np.float64]

ADDED = 64
"""Concepts that join a unit's active set at once."""
TOLERANCE = 1e-8
SWEEPS = 10_000


class Penalty(NamedTuple):
    """Weights of the sum of absolute weights and of half the sum of squares."""

    lasso: float
    ridge: float


class GramRows:
    """Rows of the concepts' Gram matrix, computed when they are first read.

    Few of the concepts are ever active, so the whole matrix [K, K] is not needed.
    """

    def __init__(self, values: ConceptValues) -> None:
        self._values = values
        k = values.values.shape[1]
        self._place = np.full(k, -1)
        self._rows: Floats = np.empty((0, k))

    def add(self, columns: NDArray[np.int64]) -> None:
        """Compute the rows of some concepts, where they are missing."""
        new = np.unique(columns[self._place[columns] < 0])
        if new.size:
            self._place[new] = len(self._rows) + np.arange(new.size)
            self._rows = np.concatenate([self._rows, self._values.gram(new)])

    def rows(self, columns: NDArray[np.int64]) -> Floats:
        """Return the rows of concepts that were added, float64 [M, K]."""
        found: Floats = self._rows[self._place[columns]]
        return found

    def block(self, columns: NDArray[np.int64]) -> Floats:
        """Return the rows and columns of concepts that were added, float64 [M, M]."""
        found: Floats = self._rows[np.ix_(self._place[columns], columns)]
        return found


def elastic_net(products: Floats, gram: GramRows, penalty: Penalty) -> Floats:
    """Fit standardised targets by standardised concepts, each target on its own.

    Minimise mean((y - Xw)^2) / 2 + lasso |w|_1 + ridge |w|^2 / 2. Concepts join the active set of a
    target while their gradient exceeds the penalty (the conditions of Karush, Kuhn and Tucker), so
    that the result is the minimum over all concepts.

    Args:
        products: Mean products of targets and concepts in training, float64 [U, K].
        gram: Mean products of concepts.
        penalty: The penalty.

    Returns:
        Weights, float64 [U, K].
    """
    weights = np.zeros_like(products)
    active = [np.empty(0, np.int64) for _ in products]
    pending = list(range(len(products)))
    while pending:
        unfinished = []
        for unit in pending:
            gradient = products[unit].copy()
            if active[unit].size:
                gradient -= weights[unit, active[unit]] @ gram.rows(active[unit])
            excess = np.abs(gradient) - penalty.lasso
            excess[active[unit]] = 0
            order = np.argsort(-excess, kind="stable")[:ADDED]
            joining = order[excess[order] > 10 * TOLERANCE]
            if joining.size:
                active[unit] = np.concatenate([active[unit], joining])
                unfinished.append(unit)
        pending = unfinished
        if pending:
            gram.add(np.concatenate([active[unit] for unit in pending]))
        for unit in pending:
            own = active[unit]
            start = weights[unit, own]
            descend(gram.block(own), products[unit, own], start, *penalty, TOLERANCE, SWEEPS)
            weights[unit, own] = start
    return weights
