from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboards.intervals import Estimate, compare, largest_disjoint
from leaderboards.pages.conclusions import conclude

INTERVAL = st.tuples(st.integers(0, 12), st.integers(0, 6)).map(lambda p: (p[0], p[0] + p[1]))


def row(label: str, value: float | None, half: float = 0.05, method: bool = True) -> Estimate:
    if value is None:
        return Estimate(label, method, None, reason="unknown")
    return Estimate(label, method, value, value - half, value + half)


@given(st.lists(INTERVAL, max_size=7))
def test_largest_disjoint_set_equals_brute_force(intervals: list[tuple[int, int]]) -> None:
    def apart(chosen: tuple[tuple[int, int], ...]) -> bool:
        return all(a[1] < b[0] or b[1] < a[0] for a, b in combinations(chosen, 2))

    sizes = range(len(intervals) + 1)
    best = max(k for k in sizes if any(apart(c) for c in combinations(intervals, k)))
    assert largest_disjoint(intervals) == best


def test_touching_intervals_are_not_disjoint() -> None:
    assert largest_disjoint([(0.0, 0.5), (0.5, 1.0)]) == 1


def test_best_tied_and_below() -> None:
    verdict = compare([row("a", 0.8), row("b", 0.75), row("c", 0.5), row("d", None)])
    assert (verdict.best, verdict.tied, verdict.below) == ("a", ("b",), ("c",))
    assert (verdict.disjoint_methods, verdict.methods, verdict.valued) == (2, 3, 3)
    assert conclude(verdict)[0] == "`a` and `b` are not separable; `a` is above `c`."


def test_lower_is_better_turns_the_ranking() -> None:
    estimates = [
        Estimate("a", True, 5.0, 4.0, 6.0, False),
        Estimate("b", True, 2.0, 1.0, 3.0, False),
    ]
    verdict = compare(estimates)
    assert (verdict.best, verdict.below, verdict.saturated) == ("b", ("a",), False)


@pytest.mark.parametrize(("second", "saturated"), [(1.0, True), (1 - 1e-12, True), (0.999, False)])
def test_two_methods_at_one_saturate_a_column(second: float, saturated: bool) -> None:
    verdict = compare([row("a", 1.0), row("b", second), row("oracle", 1.0, method=False)])
    assert verdict.saturated is saturated
    if saturated:
        assert (verdict.best, verdict.tied, verdict.below) == ("", (), ())
        assert conclude(verdict) == ["No conclusion: saturated (`a` and `b` reach 1.000)."]


def test_one_method_and_the_oracle_at_one_do_not() -> None:
    assert not compare([row("a", 1.0), row("oracle", 1.0, method=False)]).saturated


def test_the_oracle_lowers_the_limit() -> None:
    verdict = compare([row("a", 0.6), row("b", 0.6), row("oracle", 0.6, method=False)])
    assert verdict.saturated
    assert verdict.limit == 0.6


def test_a_missing_interval_separates_nobody() -> None:
    verdict = compare([Estimate("a", True, 0.9), row("b", 0.2)])
    assert (verdict.best, verdict.tied) == ("b", ("a",))
    assert conclude(verdict)[0] == "`b` has the best value of the methods with an interval."
    bare = compare([Estimate("a", True, 0.9), Estimate("b", True, 0.2)])
    assert (bare.best, bare.tied) == ("a", ("b",))
    assert "(none has an interval)" in conclude(bare)[0]


def test_a_method_within_the_constant_is_named() -> None:
    rows = [row("a", 0.8), row("b", 0.3), row("constant", 0.3, method=False)]
    verdict = compare(rows)
    assert verdict.not_above == {"constant": ("b",)}
    assert "Not above constant: `b`." in conclude(verdict)
    assert "No method is above constant." in conclude(compare(rows[1:]))


def test_an_exact_expectation_is_a_floor() -> None:
    """A control without an interval is a point, which a method can lie above."""
    chance = row("shuffled", 0.02, 0.0, False)
    bare = replace(chance, low=None, high=None)
    rows = [row("a", 0.8), row("b", 0.02)]
    for floor in (chance, bare):
        assert compare([*rows, floor]).not_above == {"shuffled": ("b",)}


def test_exact_expectations_are_no_rows_with_an_interval() -> None:
    controls = [row("chance", 0.01, 0.0, False), row("shuffled", 0.02, 0.0, False)]
    verdict = compare([row("a", 0.5), *controls])
    assert (verdict.disjoint_rows, verdict.rows) == (1, 1)
