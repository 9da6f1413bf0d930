"""CoSy's scores: a published example, and scipy's U statistic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from metrics.cosy import cosy_auc, cosy_mad

CONTROL = [0.1, 0.2, 0.3, 0.4, 0.5, 0.2]
CONCEPT = [0.45, 0.6, 0.2, 0.9]


def test_published_values() -> None:
    assert cosy_auc(CONTROL, CONCEPT) == pytest.approx(0.791667, abs=1e-6)
    assert cosy_mad(CONTROL, CONCEPT) == pytest.approx(1.726723, abs=1e-6)


def test_auc_is_one_minus_the_share_of_u() -> None:
    assert mannwhitneyu(CONTROL, CONCEPT).statistic == 5
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
