"""Scores of the units that are known to respond to no concept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metrics.catalog import CONCEPT_AUROC, FALSE_LABELS, WITHOUT_CONCEPT
from metrics.numeric import auroc
from metrics.scores import Score
from metrics.statistics import auroc_interval, wilson

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def false_label_scores(units: pd.DataFrame) -> dict[str, Score]:
    """Return the share of units without a concept that got a label, and how the score tells them.

    Args:
        units: The table of units (`metrics.units`) with the column `without_concept`.
    """
    without = units[WITHOUT_CONCEPT].to_numpy(dtype=bool)
    dead = units["dead"].to_numpy(dtype=bool)
    labelled = (units["label"] != "").to_numpy(dtype=bool)
    noise = without & ~dead
    named = (units["truth"] != "").to_numpy(dtype=bool) & ~dead
    dead_ones = {
        "dead": int((without & dead).sum()),
        "dead_labelled": int((without & dead & labelled).sum()),
    }
    # A unit without a label counts as the surest case of no concept.
    scores = np.where(labelled, units["score"].to_numpy(dtype=np.float64), -np.inf)
    return {
        FALSE_LABELS: _share(int((noise & labelled).sum()), int(noise.sum()), dead_ones),
        CONCEPT_AUROC: _separation(scores[named | noise], named[named | noise]),
    }


def _share(labelled: int, n: int, detail: dict[str, int]) -> Score:
    if not n:
        reason = "every unit without a concept is dead"
        return Score(None, higher_is_better=False, reason=reason, detail=detail)
    low, high = wilson(labelled, n)
    return Score(labelled / n, low, high, n, n - labelled, higher_is_better=False, detail=detail)


def _separation(scores: NDArray[np.float64], named: NDArray[np.bool_]) -> Score:
    """Return the AUROC of scores as predictors of a true name."""
    value = auroc(scores, named)
    if np.isnan(value):
        missing = np.isnan(scores).any()
        reason = "some labels have no score" if missing else "there are no two kinds of units"
        return Score(None, n=len(scores), reason=reason)
    low, high = auroc_interval(scores, named)
    silent = int(np.isneginf(scores).sum())
    note = "too few units for an interval" if low is None else None
    return Score(value, low, high, n=len(scores), n_unlabelled=silent, reason=note)
