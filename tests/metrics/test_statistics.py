from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from metrics.statistics import auroc_interval, bca_mean, median_interval, wilson


@pytest.mark.parametrize("name", ["exponential", "normal", "two-valued"])
def test_bca_agrees_with_scipys(name):
    rng = np.random.default_rng(3)
    values = {
        "exponential": rng.exponential(size=40),
        "normal": rng.normal(size=40),
        "two-valued": (rng.random(40) < 0.2).astype(float),
    }[name]
    ours = bca_mean(values, seed=0, resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.04 * width)


def test_bca_of_degenerate_samples():
    assert bca_mean([], seed=0) == (None, None)
    assert bca_mean([0.3], seed=0) == (None, None)
    assert bca_mean([0.1] * 9, seed=0) == (0.1, 0.1)


@pytest.mark.parametrize("n", [2, 9, 55])
def test_equal_values_still_leave_doubt(n):
    """At a limit the interval is Wilson's; inside it is as far as such a share moves the mean."""
    assert bca_mean([1.0] * n, seed=0, limits=(0, 1)) == pytest.approx(wilson(n, n))
    assert bca_mean([0.0] * n, seed=0, limits=(0, 1)) == pytest.approx(wilson(0, n))
    differ = 1 - wilson(n, n)[0]
    expected = (0.5 - 1.5 * differ, 0.5 + 0.5 * differ)
    assert bca_mean([0.5] * n, seed=0, limits=(-1, 1)) == pytest.approx(expected)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12), st.randoms())
def test_bca_does_not_depend_on_order_and_stays_inside(values, random):
    interval = bca_mean(values, seed=1, resamples=300)
    random.shuffle(values)
    assert bca_mean(values, seed=1, resamples=300) == interval
    assert min(values) <= interval[0] <= interval[1] <= max(values)


def test_bca_covers_the_mean_of_a_skewed_law():
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(200):
        low, high = bca_mean(rng.exponential(size=50), seed=0, resamples=1000)
        inside += low <= 1.0 <= high
    assert 0.89 <= inside / 200 <= 0.985


@pytest.mark.parametrize("n", [6, 7, 10, 25, 100, 1000])
def test_median_interval_is_the_narrowest_that_covers(n):
    low, high = median_interval(np.arange(1, n + 1))
    depth = int(low)
    assert high == n + 1 - depth
    assert stats.binom.cdf(depth - 1, n, 0.5) <= 0.025 < stats.binom.cdf(depth, n, 0.5)


def test_median_interval_of_few_values():
    assert median_interval([1, 2, 3, 4, 5]) == (None, None)
    assert median_interval([]) == (None, None)


def test_delong_variance_by_the_definition():
    rng = np.random.default_rng(2)
    scores = np.round(rng.normal(size=30), 1)
    right = rng.random(30) < 0.4
    scores[right] += 0.7
    kernel = [[(p > q) + 0.5 * (p == q) for q in scores[~right]] for p in scores[right]]
    table = np.array(kernel, dtype=float)
    area = roc_auc_score(right, scores)
    variance = table.mean(1).var(ddof=1) / len(table) + table.mean(0).var(ddof=1) / table.shape[1]
    logit = np.log(area / (1 - area))
    half = stats.norm.ppf(0.975) * np.sqrt(variance) / (area * (1 - area))
    expected = [1 / (1 + np.exp(-(logit + s * half))) for s in (-1, 1)]
    assert auroc_interval(scores, right) == pytest.approx(expected, abs=1e-12)


def test_auroc_interval_at_perfect_separation_is_wide_for_few_units():
    few = auroc_interval([1, 2, 3, 4], [False, False, True, True])
    many = auroc_interval(np.arange(400), np.arange(400) >= 200)
    assert few[1] == many[1] == 1.0
    assert few[0] < 0.7 < 0.95 < many[0] < 1
    low, high = auroc_interval([4, 3, 2, 1], [False, False, True, True])
    assert (low, high) == pytest.approx((0.0, 1 - few[0]), abs=1e-6)
    assert auroc_interval([1, 2, 3], [True, False, False]) == (None, None)
