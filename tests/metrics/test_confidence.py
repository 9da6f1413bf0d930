from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from metrics.confidence import calibrate, confidence
from metrics.statistics import resample_counts


def plain_aurc(right: list[bool]) -> float:
    """AURC of labels in an order without ties, by its definition."""
    risks = [1 - sum(right[:k]) / k for k in range(1, len(right) + 1)]
    return sum(risks) / len(risks)


def test_risks_of_five_units_without_ties() -> None:
    found = confidence(range(5), [9, 7, 5, 3, 1], [True, False, True, True, False])
    assert found.risks == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4, 2 / 5])
    assert found.aurc == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert found.optimum == pytest.approx((0 + 0 + 0 + 1 / 4 + 2 / 5) / 5)
    assert found.right == pytest.approx(3 / 5)


def test_ties_count_as_the_mean_of_their_orders() -> None:
    # Of the three equal scores one is right: after k of them, k / 3 right ones are expected.
    found = confidence(range(5), [9, 7, 7, 7, 1], [True, False, True, False, True])
    assert found.risks == pytest.approx([0, (2 / 3) / 2, (4 / 3) / 3, 2 / 4, 2 / 5])
    orders = [plain_aurc([True, *middle, True]) for middle in permutations([False, True, False])]
    assert found.aurc == pytest.approx(np.mean(orders))
    assert found.aurc == pytest.approx(found.risks.mean())


@pytest.mark.parametrize("seed", range(5))
def test_the_closed_form_is_the_mean_of_risks(seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores, right = draw.integers(0, 12, 40), draw.random(40) < 0.6
    found = confidence(range(40), scores, right)
    assert found.aurc == pytest.approx(found.risks.mean())
    best = confidence(range(40), right, right)
    assert best.aurc == pytest.approx(best.optimum)
    assert best.optimum == pytest.approx(found.optimum)
    assert best.optimum == pytest.approx(plain_aurc(sorted(right, reverse=True)))


def test_a_random_order_has_the_error_rate_as_its_expected_area() -> None:
    right = [True, True, False, False, False]
    orders = list(permutations(right))
    areas = [confidence(range(5), [5, 4, 3, 2, 1], order).aurc for order in orders]
    assert np.mean(areas) == pytest.approx(3 / 5)
    # All scores equal are all orders at once.
    assert confidence(range(5), np.zeros(5), right).aurc == pytest.approx(3 / 5)


def test_only_the_order_of_scores_counts_and_not_that_of_units() -> None:
    draw = np.random.default_rng(1)
    scores, right = draw.normal(size=60), draw.random(60) < 0.5
    first = confidence(range(60), scores, right)
    order = draw.permutation(60)
    for other in (
        confidence(range(60), np.exp(3 * scores), right),
        confidence(order, scores[order], right[order]),
    ):
        assert np.array_equal(first.risks, other.risks)
        assert first.excess_interval == other.excess_interval
        assert first.brier_skill == other.brier_skill
        assert first.fifths == other.fifths


def test_the_interval_is_that_of_plain_resampling() -> None:
    draw = np.random.default_rng(2)
    scores, right = np.sort(draw.integers(0, 9, 30))[::-1], draw.random(30) < 0.5
    order = np.lexsort([np.arange(30), right, -scores])
    scores, right = scores[order], right[order]
    found = confidence(range(30), scores, right)
    values = []
    for counts in resample_counts(30, 1000, 0):
        own = np.repeat(np.arange(30), counts)
        group = np.array([right[own][scores[own] == score].mean() for score in scores[own]])
        risks = np.cumsum(1 - group) / np.arange(1, 31)
        values.append(risks.mean() - plain_aurc(sorted(right[own], reverse=True)))
    assert found.excess_interval == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_fifths_run_from_the_best_scored_and_share_ties() -> None:
    scores = np.arange(50)[::-1]
    right = np.arange(50) < 25
    assert confidence(range(50), scores, right).fifths == (1, 1, 0.5, 0, 0)
    assert confidence(range(50), np.ones(50), right).fifths == pytest.approx([0.5] * 5)
    assert confidence(range(24), scores[:24], right[:24]).fifths == ()


def test_the_brier_skill_of_scores_that_know_all_and_nothing() -> None:
    draw = np.random.default_rng(3)
    right = draw.random(1000) < 0.5
    perfect = confidence(range(1000), right + 0.1 * draw.random(1000), right)
    assert perfect.brier_skill == pytest.approx(1, abs=0.01)
    nothing = confidence(range(1000), draw.random(1000), right)
    assert nothing.brier_skill is not None
    assert -0.06 < nothing.brier_skill < 0.02
    # Calibrated scores of probabilities 0.1 and 0.9 leave 0.09 of the constant guess's 0.25.
    high = draw.random(4000) < 0.5
    noisy = np.where(draw.random(4000) < 0.9, high, ~high)
    some = confidence(range(4000), high.astype(float), noisy)
    assert some.brier_skill == pytest.approx(1 - 0.09 / 0.25, abs=0.03)
    assert some.brier_interval == pytest.approx((0.61, 0.67), abs=0.03)


def test_isotonic_probabilities_by_hand() -> None:
    scores, right = np.array([1.0, 2, 3, 3, 4]), np.array([0, 1, 0, 1, 1], dtype=bool)
    # Pool 2 (1 of 1) with 3 (1 of 2): 2 / 3 each.
    found = calibrate(scores, right, np.array([0, 1, 1.5, 2, 2.5, 3, 3.9, 4, 9]))
    two = 2 / 3
    assert found == pytest.approx([0, 0, two / 2, two, two, two, (two + 1) / 2, 1, 1])


def test_nothing_to_tell_apart() -> None:
    every = confidence(range(30), range(30), [True] * 30)
    assert every.excess == 0
    assert every.excess_interval == every.brier_interval == (None, None)
    assert every.brier_skill is None
    none = confidence(range(30), range(30), [False] * 30)
    assert none.aurc == none.optimum == 1
    few = confidence(range(30), range(30), [True] * 9 + [False] * 21)
    assert few.brier_skill is None
    assert few.excess_interval[1] is not None
