"""All pairs of methods over shared units, against closed forms and independent computations."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metrics.paired import ALPHA, _exact_sums, compact_letters, compare_pairs, holm
from metrics.statistics import resample_counts

if TYPE_CHECKING:
    from random import Random

    from numpy.typing import NDArray


def decisions(seed: int, rows: int = 4, n: int = 60) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return (rng.random((rows, n)) < np.linspace(0.3, 0.9, rows)[:, None]).astype(float)


def test_holm_by_hand() -> None:
    """0.01 x 4, 0.02 x 3, then 0.03 x 2 and 0.5 x 1."""
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]).size == 0


def exact_mcnemar(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    only_a, only_b = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    return float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue) if only_a + only_b else 1.0


def test_decisions_are_compared_by_mcnemar_and_holm() -> None:
    table = decisions(0)
    found = compare_pairs(table)
    pairs = list(itertools.combinations(range(len(table)), 2))
    expected = holm([exact_mcnemar(table[i], table[j]) for i, j in pairs])
    assert [found.p[i, j] for i, j in pairs] == pytest.approx(expected)
    assert np.array_equal(found.p, found.p.T)
    assert found.differences[0, 3] == pytest.approx(table[0].mean() - table[3].mean())


def test_smallest_difference_of_decisions_is_just_significant() -> None:
    """With six methods (15 pairs) ten units that agree are needed: 2 / 2^10 <= .05 / 15."""
    n = 200
    found = compare_pairs(np.zeros((6, n)))
    assert found.smallest == 10 / n
    for right, significant in ((9, False), (10, True)):
        table = np.zeros((6, n))
        table[0, :right] = 1
        assert (compare_pairs(table).p[0, 1] <= ALPHA) == significant


def test_two_means_agree_with_students_t() -> None:
    """One pair of normal values: max-T is a bootstrap of Student's t."""
    rng = np.random.default_rng(1)
    values = rng.normal([[0.3], [0.0]], size=(2, 80))
    found = compare_pairs(values, resamples=20_000)
    test = stats.ttest_rel(values[0], values[1])
    interval = test.confidence_interval()
    assert found.p[0, 1] == pytest.approx(test.pvalue, abs=0.01)
    width = interval.high - interval.low
    assert found.low[0, 1] == pytest.approx(interval.low, abs=0.05 * width)
    assert found.high[0, 1] == pytest.approx(interval.high, abs=0.05 * width)


def test_many_independent_means_need_the_quantile_of_the_studentised_range() -> None:
    """For equal variances and many units, Tukey's range gives the critical value."""
    values = np.random.default_rng(2).normal(size=(5, 2000))
    found = compare_pairs(values, resamples=4000)
    half = (found.high - found.low)[0, 1] / 2
    error = (values[0] - values[1]).std(ddof=1) / np.sqrt(2000)
    tukey = stats.studentized_range.ppf(0.95, 5, np.inf) / np.sqrt(2)
    assert half / error == pytest.approx(tukey, rel=0.04)


@pytest.mark.parametrize(("n", "p"), [(3, 0.75), (8, 3 / 128)])
def test_a_difference_that_is_the_same_for_all_units_is_tested_by_its_sign(
    n: int, p: float
) -> None:
    """Of three methods, two are equal and one gets 0.5 more on every unit."""
    found = compare_pairs([[0.0] * n, [0.5] * n, [0.0] * n])
    assert [found.p[0, 1], found.p[1, 2], found.p[0, 2]] == [p, p, 1.0]
    assert bool(found.better[1, 0]) is (p <= ALPHA)


def test_equal_methods_do_not_differ() -> None:
    values = np.random.default_rng(4).normal(size=(1, 30)).repeat(3, axis=0)
    found = compare_pairs(values)
    assert (found.p == 1).all()
    assert found.letters == ["a", "a", "a"]
    assert np.isnan(found.smallest)


def test_units_without_a_value_are_left_out() -> None:
    table = decisions(5)
    table[1, :10] = np.nan
    assert compare_pairs(table).n == 50
    assert np.array_equal(compare_pairs(table).p, compare_pairs(table[:, 10:]).p)
    assert compare_pairs(np.full((2, 3), np.nan)).n == 0


def test_ranks_count_what_is_significant() -> None:
    table = np.zeros((3, 100))
    table[0, :60] = table[1, :58] = 1
    table[2, :20] = 1
    found = compare_pairs(table)
    assert found.rank_intervals == [(1, 2), (1, 2), (3, 3)]
    assert found.letters == ["a", "a", "b"]


@given(st.integers(1, 7), st.randoms())
def test_letters_say_exactly_which_methods_differ(rows: int, random: Random) -> None:
    differ = np.zeros((rows, rows), dtype=bool)
    for i, j in itertools.combinations(range(rows), 2):
        differ[i, j] = differ[j, i] = random.random() < 0.4
    letters = compact_letters(differ)
    for i, j in itertools.combinations(range(rows), 2):
        assert bool(set(letters[i]) & set(letters[j])) != differ[i, j]
    groups = [{row for row in range(rows) if one in letters[row]} for one in {*"".join(letters)}]
    assert not any(one <= other for one, other in itertools.permutations(groups, 2))


def test_permuting_methods_permutes_the_comparison() -> None:
    values = np.random.default_rng(6).normal(size=(4, 50)) + np.arange(4)[:, None] / 4
    order = [2, 0, 3, 1]
    found, permuted = compare_pairs(values), compare_pairs(values[order])
    assert permuted.p == pytest.approx(found.p[np.ix_(order, order)])
    assert permuted.differences == pytest.approx(found.differences[np.ix_(order, order)])


@pytest.mark.parametrize("n", [5, 40, 700])
def test_means_are_those_of_a_bootstrap_of_each_pair_alone(n: int) -> None:
    values = np.random.default_rng(5).normal(size=(4, n))
    found = compare_pairs(values, resamples=300)
    counts = resample_counts(n, 300, 0).astype(float)
    maxima, errors = np.zeros(300), {}
    for i, j in itertools.combinations(range(4), 2):
        difference = values[i] - values[j]
        centred = difference - difference.mean()
        drawn = counts @ centred / n
        variances = counts @ centred**2 / n - drawn**2
        varies = variances > 1e-12
        drawn[~varies], variances[~varies] = 0, 1
        maxima = np.maximum(maxima, np.abs(drawn) / np.sqrt(variances / (n - 1)))
        errors[i, j] = difference.std() / np.sqrt(n - 1)
    critical = np.sort(maxima)[int(np.ceil(0.95 * 301)) - 1]
    for (i, j), error in errors.items():
        mean = values[i].mean() - values[j].mean()
        assert found.low[i, j] == pytest.approx(mean - critical * error, rel=1e-12)
        assert found.high[i, j] == pytest.approx(mean + critical * error, rel=1e-12)
        exceeding = (maxima >= abs(mean) / error * (1 - 1e-9)).sum()
        assert found.p[i, j] == (1 + exceeding) / 301


def test_sums_are_equal_in_any_order() -> None:
    """Normal values have 53 binary digits, and the last ones of their sums depend on the order."""
    rng = np.random.default_rng(7)
    values, order = rng.normal(size=(3, 1000)) * [[1], [10], [100]], rng.permutation(1000)
    counts = resample_counts(1000, 50, 0).T.astype(float)
    largest = np.abs(values).max(axis=1, keepdims=True)
    sums = _exact_sums(values, largest, (counts, counts.astype(np.float32)))
    counts, values = counts[order], values[:, order]
    again = _exact_sums(values, largest, (counts, counts.astype(np.float32)))
    assert np.array_equal(sums, again)
    np.testing.assert_allclose(np.add(*sums), values @ counts, rtol=1e-12, atol=1e-11)


def test_a_resample_of_equal_differences_is_ignored() -> None:
    """A third of the resamples lack the one unit whose difference is another: no infinite limit."""
    values = np.full((3, 31), 0.1)
    values[0], values[0, 3] = 0.35, 0.6
    found = compare_pairs(values)
    assert found.high.max() < 1


def test_equal_methods_get_equal_comparisons() -> None:
    rng = np.random.default_rng(8)
    values = rng.random((3, 60))
    once, twice = compare_pairs(values), compare_pairs(values[[0, 1, 2, 1, 0]])
    rows = np.ix_([0, 1, 2], [0, 1, 2])
    assert np.array_equal(once.low, twice.low[rows])
    assert np.array_equal(once.p, twice.p[rows])
    assert twice.p[0, 4] == 1
