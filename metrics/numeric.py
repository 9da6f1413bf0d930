"""Numeric primitives that methods and metrics share: ranks and AUROC.

NumPy only. Ties go to the lowest index; an undefined score (NaN or -inf) ranks last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


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
