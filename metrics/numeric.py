"""Numeric primitives that methods and metrics share: ranks, AUROC and average precision.

NumPy only. Ties go to the lowest index; an undefined score (NaN or -inf) ranks last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_TOGETHER = 2**16
"""Numbers that are sorted at once, few enough for a processor's cache."""


def midranks(values: ArrayLike, counts: Floats | None = None) -> Floats:
    """Return 1-based ascending ranks; equal values share their mean rank.

    Args:
        values: Numbers [n].
        counts: How often each value occurs [n]; once each if None.

    Returns:
        Ranks, float64 [n].

    Raises:
        ValueError: Not one-dimensional, or a NaN, which has no rank.
    """
    array = _vector(values, "values")
    if np.isnan(array).any():
        raise ValueError("NaN has no rank")
    _, group = np.unique(array, return_inverse=True)
    size = np.bincount(group, weights=counts)
    last = np.cumsum(size)
    ranks: Floats = (last - (size - 1) / 2.0)[group]
    return ranks


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the area under the ROC curve of scores as predictors of binary labels.

    AUROC = (sum of the positives' midranks - n1 (n1 + 1) / 2) / (n1 n0): the share of pairs of a
    positive and a negative in which the positive scores higher, ties counted half.

    Args:
        scores: Numbers [n]; infinite ones are legal.
        labels: Booleans, or zeros and ones [n].

    Returns:
        The area in [0, 1]; NaN where it is undefined (one class only, or a NaN score).

    Raises:
        ValueError: Lengths differ, or a label is neither 0 nor 1.
    """
    array, positive = _scored(scores, labels)
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if not n_positive or not n_negative or np.isnan(array).any():
        return float("nan")
    above = float(midranks(array)[positive].sum()) - n_positive * (n_positive + 1) / 2
    return above / (n_positive * n_negative)


def ratio(above: ArrayLike, below: ArrayLike) -> Floats:
    """Return quotients; NaN for division by 0."""
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    quotients: Floats = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotients, where=below != 0)
    return quotients


def average_precision(scores: Floats, marks: Floats, counts: Floats) -> Floats:
    """Return the average precision of scores as predictors of marks.

    AP = mean over marked images of the precision among images that score at least as much. All
    images are sorted once; then, for each mark, only its own, which are few where units are active.

    Args:
        scores: Numbers [N, A].
        marks: Zeros and ones [N, B].
        counts: How often each image occurs [N, 1].

    Returns:
        Float64 [B, A]; NaN for a mark without images.
    """
    falling = np.negative(scores.T, order="C")
    order = np.argsort(falling, axis=1)
    reached = _up_to(np.take_along_axis(falling, order, axis=1), counts[order, 0])
    images = np.empty_like(reached)  # that score at least as much [A, N]
    np.put_along_axis(images, order, reached, axis=1)
    equal = np.ptp(counts) == 0
    found = np.zeros((marks.shape[1], len(images)))
    for mark, column in enumerate(marks.T):
        own = np.flatnonzero(column)
        size = max(1, _TOGETHER // max(1, len(own)))
        for start in range(0, len(images), size):
            part, weights = images[start : start + size, own], counts[own, 0]
            if equal:
                part.sort(axis=1)
            else:
                order = np.argsort(part, axis=1)
                part, weights = np.take_along_axis(part, order, axis=1), weights[order]
            precisions = _up_to(part, weights) / part
            found[mark, start : start + size] = (weights * precisions).sum(axis=1)
    return ratio(found, marks.T @ counts)


def _up_to(values: Floats, weights: Floats) -> Floats:
    """Return the weight up to each of ascending values [A, n], ties included."""
    sums = np.cumsum(np.broadcast_to(weights, values.shape), axis=1)
    sums[:, :-1][values[:, 1:] == values[:, :-1]] = np.inf
    return np.minimum.accumulate(sums[:, ::-1], axis=1)[:, ::-1]


def descending_rank(scores: ArrayLike, column: ArrayLike) -> Indices:
    """Return the 1-based rank of one given concept per unit, in descending order of its row.

    Ties go to the lowest column; NaN and -inf rank last, as equals.

    Args:
        scores: Scores [U, C], or [C] for a single unit.
        column: The concept's column: an integer for all units, or integers [U].

    Returns:
        Positions in 1..C, int64 [U] (of shape [] for a single unit).

    Raises:
        ValueError: Shapes do not fit, or a column outside 0..C-1.
    """
    table = _ordered_last(scores)
    wanted = np.asarray(column)
    if not np.issubdtype(wanted.dtype, np.integer):
        raise ValueError(f"column holds integers, not {wanted.dtype}")
    if wanted.ndim and wanted.shape != table.shape[:-1]:
        raise ValueError(f"column is one integer or one per unit; got shape {wanted.shape}")
    n_concepts = table.shape[-1]
    if np.any((wanted < 0) | (wanted >= n_concepts)):
        raise ValueError(f"column lies in 0..{n_concepts - 1}")
    wanted = np.broadcast_to(wanted, table.shape[:-1])[..., None]
    own = np.take_along_axis(table, wanted, axis=-1)
    ahead = (table > own) | ((table == own) & (np.arange(n_concepts) < wanted))
    return np.asarray(1 + ahead.sum(axis=-1), dtype=np.int64)


def _vector(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {array.shape}")
    return array


def _scored(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    array, marks = _vector(scores, "scores"), _vector(labels, "labels")
    if array.shape != marks.shape:
        raise ValueError(f"{array.size} scores but {marks.size} labels")
    if not np.all((marks == 0) | (marks == 1)):
        raise ValueError("labels must be booleans, or zeros and ones")
    return array, marks == 1


def _ordered_last(scores: ArrayLike) -> NDArray[np.floating[Any]]:
    """Replace NaN by -inf, so that comparisons order every entry."""
    array = np.asarray(scores)
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    if array.ndim not in (1, 2) or array.shape[-1] == 0:
        raise ValueError(f"scores must be [C] or [U, C] with C >= 1, not of shape {array.shape}")
    return np.where(np.isnan(array), array.dtype.type(-np.inf), array)
