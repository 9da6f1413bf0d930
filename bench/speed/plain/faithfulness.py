"""Average precision as a plain loop: one sort for each pair of a unit and a concept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metrics.numeric import Floats


def average_precisions(scores: Floats, marks: Floats) -> Floats:
    """Return the average precision [B, A] of scores [N, A] as predictors of marks [N, B]."""
    found = np.empty((marks.shape[1], scores.shape[1]))
    for pair in np.ndindex(found.shape):
        mark, score = marks[:, pair[0]], scores[:, pair[1]]
        order = np.argsort(-score)
        positives = np.cumsum(mark[order])
        last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
        gained = np.diff(positives[last], prepend=0)
        found[pair] = (gained * positives[last] / (last + 1)).sum() / positives[-1]
    return found
