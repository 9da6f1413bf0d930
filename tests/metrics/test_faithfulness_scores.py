"""Scores of a layer's labels by the activations that they predict."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.cosy import cosy_auc
from metrics.faithfulness import AGREEMENTS
from metrics.faithfulness_scores import (
    NO_LABEL,
    PASSING,
    UNKNOWN,
    score_concept_images,
    score_faithfulness,
)
from metrics.observations import Observations

UNITS, IMAGES = 12, 400


@pytest.fixture(scope="module")
def observed() -> Observations:
    """Units that respond to one concept each, with noise; as many concepts as units."""
    rng = np.random.default_rng(0)
    presence = rng.random((IMAGES, UNITS)) < 0.1
    return Observations(presence + rng.normal(0, 0.2, presence.shape), presence, 0.1)


def test_right_labels_score_the_mean_over_units(observed: Observations) -> None:
    right = np.arange(UNITS)
    found = score_faithfulness(observed, right, UNITS).scores
    assert set(found) == set(PASSING) == {"correlation", "cosine", "auprc", "f1", "iou"}
    for name, score in found.items():
        table = AGREEMENTS[name].compute(observed)
        assert score.value == pytest.approx(table[right, right].mean())
        assert score.chance == pytest.approx(table.mean())
        assert score.ceiling == pytest.approx(table.max(axis=1).mean())
        assert score.ci_low < score.value < score.ci_high
        assert score.p_shuffled == pytest.approx(1e-4)
        assert (score.n, score.n_unlabelled, score.detail) == (UNITS, 0, {"unknown": 0})


def test_labels_of_other_units_score_about_chance(observed: Observations) -> None:
    found = score_faithfulness(observed, np.roll(np.arange(UNITS), 1), UNITS).scores["correlation"]
    assert abs(found.value) < 0.1 < found.ceiling
    assert found.p_shuffled > 0.2


def test_silence_scores_what_a_random_concept_does(observed: Observations) -> None:
    labels = np.arange(UNITS)
    labels[0] = NO_LABEL
    found = score_faithfulness(observed, labels, UNITS).scores["iou"]
    table = AGREEMENTS["iou"].compute(observed)
    expected = [table[0].mean(), *table[labels[1:], labels[1:]]]
    assert found.value == pytest.approx(np.mean(expected))
    assert (found.n, found.n_unlabelled) == (UNITS, 1)
    silent = score_faithfulness(observed, np.full(UNITS, NO_LABEL), UNITS).scores["iou"]
    assert silent.value == pytest.approx(silent.chance)


def test_unknown_labels_and_dead_units_are_left_out(observed: Observations) -> None:
    activations = observed.a.copy()
    activations[:, 3] = 1.5
    dead = Observations(activations, observed.c, 0.1)
    labels = np.arange(UNITS)
    labels[[0, 1]] = UNKNOWN
    found = score_faithfulness(dead, labels, UNITS).scores["correlation"]
    table = AGREEMENTS["correlation"].compute(observed)
    assert found.value == pytest.approx(np.diag(table)[[2, *range(4, UNITS)]].mean())
    assert (found.n, found.detail) == (UNITS - 3, {"unknown": 2})


def test_further_labels_change_no_control(observed: Observations) -> None:
    """Columns behind the concepts, as of formulas, are labels but no candidates."""
    more = Observations(observed.a, np.column_stack([observed.c, observed.c[:, :1]]), 0.1)
    one = score_faithfulness(observed, np.arange(UNITS), UNITS).scores["f1"]
    other = score_faithfulness(more, np.array([UNITS, *range(1, UNITS)]), UNITS).scores["f1"]
    assert (one.value, one.chance, one.ceiling) == (other.value, other.chance, other.ceiling)


def test_no_known_label_has_no_value(observed: Observations) -> None:
    found = score_faithfulness(observed, np.full(UNITS, UNKNOWN), UNITS, names=["iou"]).scores[
        "iou"
    ]
    assert found.value is None
    assert "known label" in str(found.reason)
    assert found.detail == {"unknown": UNITS}


def test_images_with_a_concept_are_compared_with_those_without(observed: Observations) -> None:
    right = np.arange(UNITS)
    names = ("cosy_auc", "inverse_auc")
    found = score_faithfulness(observed, right, UNITS, names=names)
    one, other = (found.scores[name] for name in names)
    assert one.value == pytest.approx(other.value)
    assert one.ceiling == pytest.approx(other.ceiling)
    assert found.values["cosy_auc"] == pytest.approx(found.values["inverse_auc"])


def test_images_of_concepts(observed: Observations) -> None:
    """Units 0 and 1 have no images of their concepts; unit 2 has no label."""
    control, images = observed.a[:300], observed.a[300:]
    positions = [np.flatnonzero(own) for own in observed.present[300:].T]
    positions[0] = positions[1] = np.empty(0, np.int64)
    labels = np.arange(UNITS)
    labels[2] = NO_LABEL
    found = score_concept_images(control, images, positions, labels, UNITS)
    assert set(found.scores) == {"cosy_auc", "cosy_mad", "activation_rate"}
    values = found.values["cosy_auc"]
    assert np.isnan(values).tolist() == [True, True, *[False] * (UNITS - 2)]
    expected = [float(cosy_auc(control[:, u], images[positions[u], u])) for u in range(3, UNITS)]
    assert values[3:] == pytest.approx(expected)
    score = found.scores["cosy_auc"]
    assert score.value == pytest.approx(np.nanmean(values))
    assert (score.n, score.n_unlabelled, score.detail) == (UNITS - 2, 1, {"unknown": 2})
    own = [float(cosy_auc(control[:, 2], images[at, 2])) for at in positions[2:]]
    assert values[2] == pytest.approx(np.mean(own))  # what a random concept is expected to score
    assert score.chance < 0.6 < 0.9 < score.value


def test_no_images_at_all(observed: Observations) -> None:
    nothing = [np.empty(0, np.int64)] * UNITS
    found = score_concept_images(observed.a, observed.a, nothing, np.arange(UNITS), UNITS)
    for score in found.scores.values():
        assert score.value is None
        assert score.detail == {"unknown": UNITS}
