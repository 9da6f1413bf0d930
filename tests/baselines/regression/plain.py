"""Linear Explanations read plainly: least squares anew for each tried concept, on raw values."""

from __future__ import annotations

import numpy as np


def pearson(x, y):
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return np.corrcoef(x, y)[0, 1]


def fit(values, target, train):
    """Return weights and bias by least squares with a column of ones."""
    design = np.column_stack([values[:train], np.ones(train)])
    found = np.linalg.lstsq(design, target[:train], rcond=None)[0]
    return found[:-1], found[-1]


def choose(values, target, train, validation, order, limit=10, gain=0.02):
    """Return the chosen concepts, in the order in which they joined.

    Args:
        values: [N, C], images of training first, then those of validation, then those of test.
        target: [N].
        train: Number of images of training.
        validation: Number of images of validation.
        order: Concepts by descending weight of the elastic net.
        limit: Largest number of concepts.
        gain: Least gain of correlation.
    """
    held = slice(train, train + validation)
    chosen, best, rejected = [], 0.0, set()
    while len(chosen) < limit:
        tried = [c for c in order if c not in chosen and c not in rejected][:10]
        scored = {}
        for concept in tried:
            columns = values[:, [*chosen, concept]]
            weights, bias = fit(columns, target, train)
            scored[concept] = pearson(columns[held] @ weights + bias, target[held])
        scored = {c: r for c, r in scored.items() if np.isfinite(r)}
        winner = max(scored, key=scored.get, default=None)
        if winner is None or (scored[winner] - best < gain if chosen else scored[winner] <= 0):
            break
        if chosen:
            rejected |= {c for c in tried if scored.get(c, -1) - best < gain}
        chosen.append(winner)
        best = scored[winner]
    return chosen, best
