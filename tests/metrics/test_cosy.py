"""CoSy's scores: a published example, and scipy's U statistic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from metrics.cosy import (
    IMAGE_METRICS,
    Control,
    activation_rate,
    compare_concepts,
    cosy_auc,
    cosy_mad,
    cosy_u,
)
from metrics.numeric import auroc

CONTROL = [0.1, 0.2, 0.3, 0.4, 0.5, 0.2]
CONCEPT = [0.45, 0.6, 0.2, 0.9]


def test_published_values() -> None:
    assert cosy_auc(CONTROL, CONCEPT) == pytest.approx(0.791667, abs=1e-6)
    assert cosy_mad(CONTROL, CONCEPT) == pytest.approx(1.726723, abs=1e-6)


def test_auc_is_one_minus_the_share_of_u() -> None:
    assert mannwhitneyu(CONTROL, CONCEPT).statistic == 5
    assert cosy_u(CONTROL, CONCEPT) == pytest.approx(5)
    assert cosy_auc(CONTROL, CONCEPT) == pytest.approx(1 - 5 / 24)
    assert cosy_auc(CONCEPT, CONTROL) == pytest.approx(5 / 24)


def test_a_label_that_deactivates_the_unit_scores_below_chance() -> None:
    low = np.array(CONCEPT) - 1
    assert cosy_auc(CONTROL, low) == 0
    assert cosy_mad(CONTROL, low) < 0


def test_undefined_scores() -> None:
    assert cosy_mad([0.5, 0.5], CONCEPT) == 0
    assert cosy_auc([0.5, 0.5], [0.5]) == 0.5
    assert math.isnan(cosy_mad(CONTROL, []))
    assert math.isnan(cosy_mad([0.5], CONCEPT))
    assert math.isnan(cosy_auc([], CONCEPT))


def test_activation_rate() -> None:
    """The golden value of the specification; an image at the threshold is not above it."""
    control = np.arange(200) / 199
    threshold = np.quantile(control, 0.99, method="hazen")
    assert threshold == pytest.approx(0.992462, abs=1e-6)
    assert activation_rate(control, [0.5, 0.99, 0.995, 1.2]) == 0.5
    assert activation_rate(control, [threshold]) == 0
    assert np.isnan(activation_rate(control, []))
    assert np.isnan(activation_rate([], control))


def test_units_are_compared_as_if_alone() -> None:
    rng = np.random.default_rng(0)
    control, images = (rng.integers(0, 6, (n, 5)).astype(float) for n in (40, 12))
    concepts = [np.arange(7), np.arange(5, 12), np.empty(0, np.int64)]
    found = compare_concepts(control, images, concepts, list(IMAGE_METRICS))
    for name, table in found.items():
        assert table.shape == (5, 3)
        assert np.isnan(table[:, 2]).all()
        for unit in range(5):
            for at in (0, 1):
                own = control[:, unit], images[concepts[at], unit]
                assert table[unit, at] == pytest.approx(float(IMAGE_METRICS[name].compute(*own)))
    scores = np.r_[control[:, 1], images[:7, 1]]
    assert found["cosy_auc"][1, 0] == pytest.approx(auroc(scores, np.repeat([0, 1], [40, 7])))


@pytest.mark.parametrize("name", IMAGE_METRICS)
def test_a_nan_makes_a_unit_undefined(name: str) -> None:
    control, concept = np.ones((4, 2)), np.array([[np.nan, 2.0], [1.0, 3.0]])
    found = IMAGE_METRICS[name].compute(control * np.arange(4)[:, None], concept)
    assert np.isnan(found).tolist() == [True, False]


def test_prepared_control_images_change_nothing() -> None:
    rng = np.random.default_rng(0)
    control, concepts = rng.integers(0, 5, (40, 3)) / 5, rng.integers(0, 5, (2, 6, 3)) / 5
    control[:, 1] = 0.4
    prepared = Control(control)
    for concept in concepts:
        for name, metric in IMAGE_METRICS.items():
            found = metric.compute(prepared, concept)
            np.testing.assert_array_equal(found, metric.compute(control, concept), err_msg=name)
