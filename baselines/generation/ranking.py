"""Choose among a unit's candidate concepts by images of them (Describe-and-Dissect, step 4).

Source: Bai et al., TMLR 2025, section 3.3, with the published code's constants. There, a negative
similarity rewards concepts to whose images the unit responds little; here it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BEST = 5
"""A concept's rank is that of its best images, so many."""

HIGHEST = 10
"""Images of the highest activations, so many, are compared with the unit's own."""


class ConceptScores(NamedTuple):
    """Scores of n concepts.

    Attributes:
        mean_squares: Mean of the squared ranks of each concept's best images (0: the highest
            activation of all images), float64 [n].
        similarities: Mean cosine of the unit's own images and those of the concept's that are
            among the highest; -1 where there are none, float64 [n].
        scores: Score, higher is better, float64 [n].
    """

    mean_squares: NDArray[np.float64]
    similarities: NDArray[np.float64]
    scores: NDArray[np.float64]


def rank_concepts(
    activations: Sequence[NDArray[np.float32]], cosines: Sequence[NDArray[np.float32]]
) -> ConceptScores:
    """Score n concepts by the activations on images of them.

    Images are ranked over all concepts; equal activations share their mean rank. Concepts are put
    in order of `mean_squares` (equal ones: of their similarity). The concept at position p, from 0,
    has the score (n - p) * similarity; a negative similarity counts (p + 1) times instead, so that
    a better position never lowers a score.

    Args:
        activations: The unit's activation on each image of a concept, [images] each, one at least.
        cosines: Mean cosine of each image with the unit's own images, [images] each.
    """
    n = len(activations)
    _, level, counts = np.unique(
        -np.concatenate(activations), return_inverse=True, return_counts=True
    )
    mean_ranks = counts.cumsum() - (counts + 1) / 2
    ranks = np.split(mean_ranks[level], np.cumsum([len(own) for own in activations])[:-1])
    squares = np.array([(np.sort(own)[:BEST] ** 2).mean() for own in ranks])
    highest = [own < HIGHEST for own in ranks]
    similar = np.array(
        [
            own[chosen].mean(dtype=np.float64) if chosen.any() else -1.0
            for own, chosen in zip(cosines, highest, strict=True)
        ]
    )
    positions = np.empty(n, np.int64)
    positions[np.lexsort((-similar, squares))] = np.arange(n)
    scores = similar * np.where(similar < 0, positions + 1, n - positions)
    return ConceptScores(squares, similar, scores)
