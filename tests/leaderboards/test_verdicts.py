from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from leaderboards.pages.conclusions import conclude
from leaderboards.verdicts import Estimate, compare
from metrics.statistics import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray


def row(label: str, value: float | None, half: float = 0.05, method: bool = True) -> Estimate:
    if value is None:
        return Estimate(label, method, None, reason="unknown")
    return Estimate(label, method, value, value - half, value + half)


def units(**right: int) -> dict[str, NDArray[np.float64]]:
    """Return right/wrong values of 100 units; the first so many are right."""
    return {label: (np.arange(100) < count).astype(float) for label, count in right.items()}


def test_best_tied_and_below() -> None:
    rows = [row("a", 0.8), row("b", 0.75), row("c", 0.5), row("d", None)]
    verdict = compare(rows, units(a=80, b=75, c=50))
    assert (verdict.best, verdict.tied, verdict.below) == ("a", ("b",), ("c",))
    assert verdict.pairs is not None
    assert (verdict.pairs.separated, verdict.pairs.total) == (2, 3)
    assert verdict.pairs.letters == {"a": "a", "b": "a", "c": "b"}
    assert verdict.pairs.ranks == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    value, low, high = verdict.pairs.difference("c", "a")
    assert value == pytest.approx(-0.3)
    assert low < value < high < 0
    ranking, power = conclude(verdict)
    assert ranking == "`a` and `b` are not separable; `a` is above `c`."
    shown = "differences below about 0.070 rarely show"
    assert power == f"2 of 3 pairs of methods differ (n = 100; {shown})."


def test_overlap_decides_nothing() -> None:
    """Ten units that only one method names are significant; intervals of the two overlap widely."""
    rows = [row("a", 0.6, 0.1), row("b", 0.5, 0.1)]
    assert compare(rows, units(a=60, b=50)).below == ("b",)
    scattered = units(a=60, b=50)["b"][::-1]
    assert compare(rows, {"a": units(a=60)["a"], "b": scattered}).tied == ("b",)


def test_without_values_by_unit_nothing_is_compared() -> None:
    verdict = compare([row("a", 0.9), row("b", 0.1)])
    assert (verdict.best, verdict.tied, verdict.below, verdict.pairs) == ("a", (), (), None)
    assert conclude(verdict) == ["`a` has the best value; the methods are not compared."]


def test_equal_values_are_tied_although_nothing_is_compared() -> None:
    verdict = compare([row("a", 0.9), row("b", 0.9), row("c", 0.1)])
    assert (verdict.best, verdict.tied, verdict.below) == ("a", ("b",), ())
    assert conclude(verdict) == ["`a` and `b` have the best value; the methods are not compared."]


def test_lower_is_better_turns_the_ranking() -> None:
    estimates = [
        Estimate("a", True, 5.0, 4.0, 6.0, False),
        Estimate("b", True, 2.0, 1.0, 3.0, False),
    ]
    ranks = np.random.default_rng(0).normal([[5.0], [2.0]], 0.5, (2, 50))
    verdict = compare(estimates, dict(zip("ab", ranks, strict=True)))
    assert (verdict.best, verdict.below, verdict.saturated) == ("b", ("a",), False)
    assert verdict.pairs is not None
    assert verdict.pairs.difference("a", "b")[0] == pytest.approx(ranks[0].mean() - ranks[1].mean())
    assert verdict.pairs.letters == {"a": "b", "b": "a"}


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


def test_an_oracle_that_a_method_exceeds_is_no_limit() -> None:
    """A formula of two concepts can be right where no single concept is."""
    rows = [row("formula", 0.8), row("a", 0.0), row("b", 0.0), row("oracle", 0.0, method=False)]
    verdict = compare(rows)
    assert (verdict.best, verdict.saturated, verdict.limit) == ("formula", False, 1.0)
    assert compare(rows[1:]).saturated


def test_a_value_without_an_interval_is_not_the_best() -> None:
    """It may come from one lucky unit."""
    assert compare([Estimate("a", True, 0.9), row("b", 0.2)]).best == "b"
    assert compare([Estimate("a", True, 0.9), Estimate("b", True, 0.2)]).best == "a"


def test_a_method_within_the_constant_is_named() -> None:
    rows = [row("a", 0.8), row("b", 0.3), row("constant", 0.3, method=False)]
    verdict = compare(rows)
    assert verdict.not_above == {"constant": ("b",)}
    assert "Not above constant: `b`." in conclude(verdict)
    assert "No method is above constant." in conclude(compare(rows[1:]))


def test_the_permutation_test_decides_against_shuffled() -> None:
    """Holm's correction is over the methods of the column; intervals decide without p-values."""
    shuffled = row("shuffled", 0.02, 0.0, method=False)
    found = {"a": 0.001, "b": 0.02, "c": 0.03, "d": 0.2}
    methods = [replace(row(label, 0.9), p_shuffled=p) for label, p in found.items()]
    assert compare([*methods, shuffled]).not_above["shuffled"] == ("b", "c", "d")
    assert compare([methods[1], shuffled]).not_above["shuffled"] == ()
    older = row("e", 0.8)
    assert compare([*methods, older, shuffled]).not_above["shuffled"] == ("b", "c", "d")
    constant = row("constant", 0.88, method=False)
    assert compare([*methods, constant]).not_above["constant"] == tuple("abcd")


def test_an_exact_expectation_is_a_floor() -> None:
    """A control without an interval is a point, which a method can lie above."""
    chance = row("shuffled", 0.02, 0.0, False)
    bare = replace(chance, low=None, high=None)
    rows = [row("a", 0.8), row("b", 0.02)]
    for floor in (chance, bare):
        assert compare([*rows, floor]).not_above == {"shuffled": ("b",)}


def test_one_right_unit_is_not_above_a_control_with_none() -> None:
    one = Estimate("a", True, 0.01, *wilson(1, 100))
    none = Estimate("listed", False, 0.0, *wilson(0, 100))
    assert compare([one, none]).not_above == {"listed": ("a",)}
