"""What a column supports: ties, separations, and whether it ranks any method."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from metrics.paired import ALPHA, compare_pairs, holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metrics.paired import Comparison

_EPSILON = 1e-9
"""The mean of many ones may miss 1.0 by its rounding."""

_DIGITS = 9
"""Of differences, so that pages do not depend on a processor's last bits."""

FLOORS = ("constant", "listed", "shuffled")
"""Controls that use nothing of the network."""


@dataclass(frozen=True)
class Estimate:
    """The score of one row in one column, with its interval.

    Attributes:
        label: Label of the row.
        is_method: False for a control, which is not ranked.
        value: The score; None where there is none.
        low: Lower end of its 95 % interval.
        high: Upper end.
        higher_is_better: The direction.
        n: Units scored.
        reason: Why there is no value.
        p_shuffled: p-value of the permutation test against the shuffled control; None for none.
    """

    label: str
    is_method: bool
    value: float | None
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True
    n: int | None = None
    reason: str = ""
    p_shuffled: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The ends of the interval; None where there is none."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def goodness(self) -> float:
        """The value turned so that more is better; NaN where there is none."""
        if self.value is None:
            return float("nan")
        return self.value if self.higher_is_better else -self.value


@dataclass(frozen=True)
class Pairs:
    """Methods of a column, compared in pairs over the units that all of them name.

    Attributes:
        labels: Row labels of the methods.
        comparison: The comparison of their values, turned so that more is better.
        sign: -1 where less is better.
    """

    labels: tuple[str, ...]
    comparison: Comparison
    sign: float

    @property
    def total(self) -> int:
        """Number of pairs."""
        return len(self.labels) * (len(self.labels) - 1) // 2

    @property
    def separated(self) -> int:
        """Number of pairs that differ significantly."""
        return int(self.comparison.better.sum())

    @cached_property
    def letters(self) -> dict[str, str]:
        """By method; methods that share a letter do not differ significantly."""
        return dict(zip(self.labels, self.comparison.letters, strict=True))

    @cached_property
    def ranks(self) -> dict[str, tuple[int, int]]:
        """By method, the best and the worst rank that the comparisons leave open."""
        return dict(zip(self.labels, self.comparison.rank_intervals, strict=True))

    @property
    def smallest(self) -> float | None:
        """The smallest difference that can be significant; None where none can."""
        value = self.comparison.smallest
        return None if np.isnan(value) else round(value, _DIGITS)

    def is_better(self, first: str, second: str) -> bool:
        """Return whether one method is significantly better than another."""
        row, column = self.labels.index(first), self.labels.index(second)
        return bool(self.comparison.better[row, column])

    def difference(self, first: str, second: str) -> tuple[float, float, float]:
        """Return a mean difference and its interval; those of all pairs hold together with 95 %."""
        row, column = self.labels.index(first), self.labels.index(second)
        matrices = (self.comparison.differences, self.comparison.low, self.comparison.high)
        value, low, high = (
            round(self.sign * float(matrix[row, column]), _DIGITS) for matrix in matrices
        )
        return value, min(low, high), max(low, high)


@dataclass(frozen=True)
class Verdict:
    """What one column supports; overlap of intervals decides nothing between methods.

    Attributes:
        best: The method with the best value; empty for a saturated column, and if no method has a
            value.
        tied: Methods that do not differ significantly from the best, in the order of the rows; of
            methods that are not compared in pairs, those with an equal value.
        below: Methods that are significantly worse than the best.
        saturated: Two or more methods reach the limit, so the column ranks no method.
        at_limit: The methods that reach it.
        limit: The oracle's score if it is below 1.0 and no method exceeds it, else 1.0.
        not_above: By control, the methods whose interval is not wholly above the control's; for
            shuffled, those whose permutation test does not reject after Holm's correction.
        valued: Methods with a value.
        pairs: The methods compared in pairs; None where the score has no values by unit.
    """

    best: str
    tied: tuple[str, ...]
    below: tuple[str, ...]
    saturated: bool
    at_limit: tuple[str, ...]
    limit: float
    not_above: Mapping[str, tuple[str, ...]]
    valued: int
    pairs: Pairs | None = field(default=None, compare=False)

    @property
    def is_single(self) -> bool:
        """Whether one method alone has a value, so that there is nothing to compare."""
        return self.valued == 1


def compare(
    estimates: Sequence[Estimate],
    values: Mapping[str, NDArray[np.float64]] | None = None,
    floors: Sequence[str] = FLOORS,
) -> Verdict:
    """Return what a column supports.

    Args:
        estimates: The rows, methods and controls, in the order of the table.
        values: By method, its value for each unit [N], NaN for none, in one order of units; a
            method without values is not compared.
        floors: Controls that a method should beat.

    Returns:
        The verdict; a saturated column has neither a best method nor ties.
    """
    methods = [row for row in estimates if row.is_method and row.value is not None]
    controls = {row.label: row for row in estimates if not row.is_method}
    bounded = all(row.higher_is_better for row in estimates)
    limit = _limit(methods, controls.get("oracle")) if bounded else 1.0
    at_limit = tuple(row.label for row in methods if bounded and row.goodness >= limit - _EPSILON)
    saturated = len(at_limit) > 1
    # A value without an interval may come from one lucky unit: any method with an interval wins.
    ranked = [row for row in methods if row.interval] or methods
    top = None if saturated else max(ranked, key=lambda row: row.goodness, default=None)
    pairs = _compare_methods(methods, values or {})
    tied, below = _rank_others(top, methods, pairs) if top else ((), ())
    corrected = _correct_p_values(methods)
    return Verdict(
        best=top.label if top else "",
        tied=tied,
        below=below,
        saturated=saturated,
        at_limit=at_limit,
        limit=limit,
        not_above={
            name: tuple(row.label for row in methods if not _above(row, controls[name], corrected))
            for name in floors
            if name in controls and controls[name].value is not None
        },
        valued=len(methods),
        pairs=pairs,
    )


def _compare_methods(
    methods: Sequence[Estimate], values: Mapping[str, NDArray[np.float64]]
) -> Pairs | None:
    """Compare the methods that have values by unit; None for fewer than two of them, or units."""
    own = [row for row in methods if row.label in values]
    if len(own) < 2:
        return None
    sign = 1.0 if own[0].higher_is_better else -1.0
    table = np.stack([values[row.label] for row in own])
    # 1 - value keeps right/wrong values such, which are compared exactly.
    comparison = compare_pairs(table if sign > 0 else 1 - table)
    labels = tuple(row.label for row in own)
    return Pairs(labels, comparison, sign) if comparison.n > 1 else None


def _rank_others(
    best: Estimate, methods: Sequence[Estimate], pairs: Pairs | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the methods that do not differ significantly from the best, and those below it."""
    tied: list[str] = []
    below: list[str] = []
    for row in methods:
        if row.label == best.label:
            continue
        if pairs and {best.label, row.label} <= set(pairs.labels):
            (below if pairs.is_better(best.label, row.label) else tied).append(row.label)
        elif abs(row.goodness - best.goodness) <= _EPSILON:
            tied.append(row.label)
    return tuple(tied), tuple(below)


def _correct_p_values(methods: Sequence[Estimate]) -> dict[str, float]:
    """Return the p-values against shuffled, by method, with Holm's correction for their number."""
    found = {row.label: row.p_shuffled for row in methods if row.p_shuffled is not None}
    return dict(zip(found, holm(list(found.values())).tolist(), strict=True))


def _above(method: Estimate, floor: Estimate, corrected: Mapping[str, float]) -> bool:
    """Return whether a method is above a control.

    The shuffled control is tested by permutations, where the scores file has their p-value. Other
    controls have no values by unit to compare in pairs: the method's interval has to lie wholly
    above the control's, and an expectation is a point.
    """
    if floor.label == "shuffled" and method.label in corrected:
        return corrected[method.label] <= ALPHA
    assert floor.value is not None
    low, high = floor.interval or (floor.value, floor.value)
    if method.interval is None:
        return False
    return method.interval[0] > high if method.higher_is_better else method.interval[1] < low


def _limit(methods: Sequence[Estimate], oracle: Estimate | None) -> float:
    """Return the oracle's score if it is below 1.0 and no method exceeds it, else 1.0.

    The oracle chooses single concepts. Formulas of several concepts can score higher, so that it
    limits no column in which one of them does.
    """
    if oracle is None or oracle.value is None:
        return 1.0
    exceeded = any(row.goodness > oracle.value + _EPSILON for row in methods)
    return 1.0 if exceeded else min(1.0, oracle.value)
