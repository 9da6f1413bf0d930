"""Ranks of the true concept in a unit's full score row.

Ties go to the lowest concept index. Undefined scores (NaN, -inf) are never chosen and rank last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metrics.numeric import descending_rank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_ROWS_AT_ONCE = 64


def truth_ranks(
    scores: NDArray[np.floating], true: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 1-based rank and the score of each unit's best-placed true concept.

    Args:
        scores: Scores [U, C].
        true: For each unit, the indices of its true concepts.

    Returns:
        Ranks and scores, float64 [U]. The rank is C where no true concept has a defined score, and
        NaN where the set contains no true concept. The score is NaN in both cases.
    """
    n_units, n_concepts = scores.shape
    ranks = np.full(n_units, np.nan)
    found = np.full(n_units, np.nan)
    best = np.zeros(n_units, dtype=np.int64)
    for unit, indices in enumerate(true):
        if indices.size == 0:
            continue
        own = scores[unit, indices].astype(np.float64)
        own[np.isnan(own)] = -np.inf
        best[unit] = indices[int(own.argmax())]  # the first of equals: indices ascend
        ranks[unit] = n_concepts
        if own.max() > -np.inf:
            found[unit] = own.max()
    ranked = np.flatnonzero(~np.isnan(found))
    for start in range(0, ranked.size, _ROWS_AT_ONCE):
        rows = ranked[start : start + _ROWS_AT_ONCE]
        ranks[rows] = descending_rank(scores[rows], best[rows])
    return ranks, found


def cross_ranks(
    scores: NDArray[np.floating], true: Sequence[NDArray[np.int64]]
) -> Iterator[NDArray[np.float64]]:
    """Yield for each unit j the rank that every unit i's truth would have in j's score row.

    Entry i of item i equals `truth_ranks`. Each of the U rows of C scores is sorted once.

    Args:
        scores: Scores [U, C].
        true: For each of V units, the indices of its true concepts, at least one each.

    Yields:
        U arrays, float64 [V].
    """
    n_concepts = scores.shape[1]
    starts = np.cumsum([0, *(indices.size for indices in true)])[:-1]
    flat = np.concatenate([*true, np.empty(0, np.int64)])
    place = np.empty(n_concepts, dtype=np.int64)
    for row in scores:
        defined = np.where(np.isnan(row), -np.inf, row)
        place[np.argsort(-defined, kind="stable")] = np.arange(1, n_concepts + 1)
        wanted = np.where(defined[flat] > -np.inf, place[flat], n_concepts)
        yield np.minimum.reduceat(wanted, starts).astype(np.float64) if starts.size else np.empty(0)
