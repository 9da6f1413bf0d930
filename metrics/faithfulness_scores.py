"""How faithful the labels of a layer are: their agreement with its units on held-out images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metrics.faithfulness import AGREEMENTS
from metrics.permutation import permutation_test
from metrics.scores import Score
from metrics.statistics import bca_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metrics.observations import Observations

NO_LABEL, UNKNOWN = -1, -2
"""In place of a label's column: the unit has no label; no image is known to show its concept."""
PASSING = tuple(name for name, agreement in AGREEMENTS.items() if agreement.passes)


def score_faithfulness(
    observed: Observations,
    labels: NDArray[np.int64],
    n_concepts: int,
    *,
    names: Sequence[str] = PASSING,
    seed: int = 0,
) -> dict[str, Score]:
    """Score the labels of a layer by the activations that they predict.

    Units whose activations are constant on these images are left out. So are units with a label
    whose presence is unknown, which `detail["unknown"]` counts. A live unit without a label scores
    what a random concept is expected to.

    Args:
        observed: Activations of U units; presence of C concepts, then of further labels.
        labels: The column of each unit's label, `NO_LABEL` or `UNKNOWN` [U].
        n_concepts: C; chance level and ceiling are over the first C columns.
        names: Metrics, of `metrics.faithfulness.AGREEMENTS`.
        seed: Seed of the bootstrap and of the permutation test.

    Returns:
        The mean over units by metric; its ceiling is chosen on the same images.
    """
    live = np.ptp(observed.a, axis=0) > 0
    scored = live & (labels != UNKNOWN)
    column = labels[scored]
    silent = int((column == NO_LABEL).sum())
    detail = {"unknown": int((live & (labels == UNKNOWN)).sum())}
    found = {}
    for name in names:
        agreement = AGREEMENTS[name]
        table = agreement.compute(observed)[scored]
        concepts = np.nan_to_num(table[:, :n_concepts])
        expected = concepts.mean(axis=1)
        # The last column stands for a unit without a label, which code -1 selects.
        credits = np.column_stack([np.nan_to_num(table), expected])
        if not len(credits):
            found[name] = Score(None, reason="no live unit has a known label", detail=detail)
            continue
        values = credits[np.arange(len(credits)), column]
        codes = column % credits.shape[1]
        low, high = bca_mean(values, seed=seed, limits=agreement.limits)
        found[name] = Score(
            float(values.mean()), low, high, len(values), silent,
            chance=float(expected.mean()), ceiling=float(concepts.max(axis=1).mean()),
            p_shuffled=permutation_test({name: credits}, codes, seed)[name], detail=detail,
        )  # fmt: skip
    return found
