"""The simulation of single intervals, against coverages that are known."""

from __future__ import annotations

import sys

import pytest
from scipy.stats import binom

from tests.simulations import intervals


def test_coverage_of_wilson_is_a_sum_over_counts() -> None:
    # wilson(0, 2) = [0, 0.66], wilson(1, 2) = [0.09, 0.91], wilson(2, 2) = [0.34, 1]
    assert intervals.exact_wilson(0.5, 2).coverage == pytest.approx(1)
    assert intervals.exact_wilson(0.8, 2).coverage == pytest.approx(1 - 0.2**2)
    assert intervals.exact_wilson(0.95, 2).coverage == pytest.approx(0.95**2)


def test_coverage_of_the_median_is_that_of_the_binomial_distribution() -> None:
    cases = [case for case in intervals.cases(50) if "median" in case.interval]
    assert len(cases) == 3
    for case in cases:
        found = intervals.simulate(case, 25, 500)
        # From the 8th to the 18th of 25 values.
        assert abs(found.coverage - (1 - 2 * binom.cdf(7, 25, 0.5))) < 4 * found.error
        assert found.missing == 0


def test_the_table_has_all_intervals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(intervals, "SIZES", (6, 25))
    monkeypatch.setattr(sys, "argv", ["intervals", "--runs", "4", "--resamples", "40"])
    assert intervals.main() == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert len(rows) == 2 * (len(intervals.SHARES) + len(list(intervals.cases(40))))
    assert {row[0].strip("| ").partition(",")[0] for row in rows} == {
        "Wilson", "BCa", "order statistics", "DeLong", "percentile",
    }  # fmt: skip
    assert all(0 <= float(row[3]) <= 1 for row in rows if row[3] != "nan")
