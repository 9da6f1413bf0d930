"""Forward selection of concepts by exact normal equations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TRIED = 10
"""Number of concepts that each step compares."""
LEAST_RESIDUAL = 1e-9
"""Share of a concept's variance that the chosen ones must leave unexplained."""


class SearchLimits(NamedTuple):
    """When forward selection stops: number of concepts, and the least gain of correlation."""

    concepts: int
    gain: float


class Fit(NamedTuple):
    """Chosen concepts, their least-squares weights [k], and the correlation on validation."""

    chosen: list[int]
    weights: Floats
    correlation: float


def select_forward(
    gram: Floats, products: Floats, validation: Floats, target: Floats, limits: SearchLimits
) -> Fit:
    """Choose concepts one by one by the correlation of the prediction on validation images.

    Each step tries the first ten concepts that are neither chosen nor rejected, and takes the best.
    One that gains less than `limits.gain` is rejected for good; the first concept only has to
    correlate positively.

    Args:
        gram: Mean products of the concepts in training, in the order in which they are tried,
            float64 [K, K].
        products: Mean products of concepts and target in training [K].
        validation: Concepts on validation images [V, K].
        target: The target on these [V].
        limits: When to stop.

    Returns:
        The fit; without concepts if none correlates positively.
    """
    fit = Fit([], np.empty(0), 0.0)
    waiting = list(range(len(products)))
    while waiting and len(fit.chosen) < limits.concepts:
        tried, rest = waiting[:TRIED], waiting[TRIED:]
        weights = add_each(gram, products, fit.chosen, tried)
        predictions = validation[:, fit.chosen] @ weights[:-1] + validation[:, tried] * weights[-1]
        gains = np.nan_to_num(correlations(predictions, target), nan=-1.0) - fit.correlation
        best = int(np.argmax(gains))
        if gains[best] < limits.gain if fit.chosen else gains[best] <= 0:
            break
        kept = [
            concept
            for at, concept in enumerate(tried)
            if at != best and (not fit.chosen or gains[at] >= limits.gain)
        ]
        waiting = kept + rest
        correlation = float(fit.correlation + gains[best])
        fit = Fit([*fit.chosen, tried[best]], weights[:, best], correlation)
    return fit


def add_each(gram: Floats, products: Floats, chosen: Sequence[int], tried: Sequence[int]) -> Floats:
    """Solve the normal equations of the chosen concepts and each tried one, by Schur complements.

    Args:
        gram: Mean products of concepts [K, K].
        products: Mean products of concepts and target [K].
        chosen: k concepts.
        tried: T further concepts.

    Returns:
        Weights, float64 [k + 1, T], that of the tried one last; NaN for one that is a combination
        of the chosen ones.
    """
    cross = gram[np.ix_(chosen, tried)]
    right = np.column_stack([cross, products[list(chosen)]])
    solved = np.linalg.solve(gram[np.ix_(chosen, chosen)], right)
    projection, base = solved[:, :-1], solved[:, -1]
    variance = gram[tried, tried]
    residual = variance - (cross * projection).sum(axis=0)
    residual[residual < LEAST_RESIDUAL * variance] = np.nan
    last = (products[list(tried)] - cross.T @ base) / residual
    return np.vstack([base[:, None] - projection * last, last])


def correlations(predictions: Floats, target: Floats) -> Floats:
    """Return Pearson's correlation of each prediction [V, T] with the target [V].

    NaN where either is constant.
    """
    x = predictions - predictions.mean(axis=0)
    y = target - target.mean()
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    found = np.full(x.shape[1], np.nan)
    np.divide(y @ x, scale, out=found, where=scale > 0)
    return found
