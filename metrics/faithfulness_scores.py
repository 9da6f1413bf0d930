"""How faithful the labels of a layer are: their agreement with its units on held-out images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from metrics.cosy import IMAGE_METRICS, compare_concepts
from metrics.faithfulness import AGREEMENTS
from metrics.permutation import permutation_test
from metrics.scores import Score
from metrics.statistics import bca_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metrics.cosy import ImageMetric
    from metrics.faithfulness import Agreement
    from metrics.numeric import Floats
    from metrics.observations import Observations

    Labels = NDArray[np.int64]

NO_LABEL, UNKNOWN = -1, -2
"""In place of a label's column: the unit has no label; no image is known to show its concept."""
PASSING = tuple(name for name, agreement in AGREEMENTS.items() if agreement.passes)
"""Metrics that pass both sanity checks."""
OF_IMAGES = tuple(name for name, metric in IMAGE_METRICS.items() if metric.reported)
"""Metrics of images of concepts that are reported."""
REPORTED = (*PASSING, *OF_IMAGES)
"""Metrics that boards show."""
_METRICS: dict[str, Agreement | ImageMetric] = {**AGREEMENTS, **IMAGE_METRICS}
TITLES = {name: metric.title for name, metric in _METRICS.items()}
"""Names of all metrics for a page."""
LIMITS = {name: metric.limits for name, metric in _METRICS.items()}
"""The least and the greatest value of all metrics; None for no limits."""


class Faithfulness(NamedTuple):
    """Scores of the labels of a layer.

    Attributes:
        scores: The mean over units by metric.
        values: What each unit adds [U] by metric; NaN for units that are left out.
    """

    scores: dict[str, Score]
    values: dict[str, Floats]


def score_faithfulness(
    observed: Observations,
    labels: Labels,
    n_concepts: int,
    *,
    names: Sequence[str] = PASSING,
    seed: int = 0,
) -> Faithfulness:
    """Score the labels of a layer by the activations that they predict.

    Units whose activations are constant on these images are left out. So are units with a label
    whose presence is unknown, which `detail["unknown"]` counts. A live unit without a label scores
    what a random concept is expected to.

    Args:
        observed: Activations of U units; presence of C concepts, then of further labels.
        labels: The column of each unit's label, `NO_LABEL` or `UNKNOWN` [U].
        n_concepts: C; chance level and ceiling are over the first C columns.
        names: Metrics, of `metrics.faithfulness.AGREEMENTS`, or of `metrics.cosy.IMAGE_METRICS`,
            which compare images with a concept with those without it.
        seed: Seed of the bootstrap and of the permutation test.

    Returns:
        The scores; their ceiling is chosen on the same images.
    """
    tables = {name: _table(observed, name) for name in names}
    return _score(tables, observed.a, labels, n_concepts, seed)


def score_concept_images(
    control: Floats,
    images: Floats,
    concepts: Sequence[NDArray[np.int64]],
    labels: Labels,
    n_concepts: int,
    *,
    names: Sequence[str] = OF_IMAGES,
    seed: int = 0,
) -> Faithfulness:
    """Score the labels of a layer by the activations on images of their concepts.

    Units are left out as in `score_faithfulness`.

    Args:
        control: Activations of U units on control images [n0, U].
        images: Activations on the images of all concepts [n1, U].
        concepts: Positions in `images` of each of C concepts, then of further labels.
        labels: The place of each unit's label in `concepts`, `NO_LABEL` or `UNKNOWN` [U].
        n_concepts: C; chance level and ceiling are over the first C concepts.
        names: Metrics, of `metrics.cosy.IMAGE_METRICS`.
        seed: Seed of the bootstrap and of the permutation test.
    """
    tables = compare_concepts(control, images, concepts, names)
    return _score(tables, control, labels, n_concepts, seed)


def _table(observed: Observations, name: str) -> Floats:
    """Return scores [U, K] of all columns of presence."""
    if name in AGREEMENTS:
        return AGREEMENTS[name].compute(observed)
    compute, a = IMAGE_METRICS[name].compute, observed.a
    return np.column_stack([compute(a[own == 0], a[own == 1]) for own in observed.present.T])


def _score(
    tables: Mapping[str, Floats], activations: Floats, labels: Labels, n_concepts: int, seed: int
) -> Faithfulness:
    live = np.ptp(activations, axis=0) > 0
    found = Faithfulness({}, {})
    for name, table in tables.items():
        # A concept without images has no score for any unit.
        known = ~np.isnan(table[live]).all(axis=0)
        own = np.where((labels >= 0) & ~known[np.maximum(labels, 0)], UNKNOWN, labels)
        scored = live & (own != UNKNOWN)
        found.values[name] = np.full(len(labels), np.nan)
        found.scores[name] = Score(None, reason="no live unit has a known label")
        if scored.any() and known[:n_concepts].any():
            concepts = np.nan_to_num(table[scored, :n_concepts][:, known[:n_concepts]])
            # The last column stands for a unit without a label, which code -1 selects.
            credits = np.column_stack([np.nan_to_num(table[scored]), concepts.mean(axis=1)])
            codes = own[scored] % credits.shape[1]
            values = credits[np.arange(len(credits)), codes]
            found.values[name][scored] = values
            low, high = bca_mean(values, seed=seed, limits=LIMITS[name])
            found.scores[name] = Score(
                float(values.mean()), low, high, len(values), int((own[scored] == NO_LABEL).sum()),
                chance=float(concepts.mean()), ceiling=float(concepts.max(axis=1).mean()),
                p_shuffled=permutation_test({name: credits}, codes, seed)[name],
            )  # fmt: skip
        detail = {"unknown": int((live & (own == UNKNOWN)).sum())}
        found.scores[name] = replace(found.scores[name], detail=detail)
    return found
