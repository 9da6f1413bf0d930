"""What a column's intervals support: ties, separations, and whether it ranks any method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPSILON = 1e-9
"""The mean of many ones may miss 1.0 by its rounding."""

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
    """

    label: str
    is_method: bool
    value: float | None
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True
    n: int | None = None
    reason: str = ""

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
class Verdict:
    """What the intervals of one column support.

    Attributes:
        best: The method with the best value, of those with an interval if any has one; empty for a
            saturated column, and if no method has a value.
        tied: Methods whose interval overlaps the best's, in the order of the rows.
        below: Methods whose interval is wholly on the worse side of the best's.
        saturated: Two or more methods reach the limit, so the column ranks no method.
        at_limit: The methods that reach it.
        limit: The limit: 1.0, or the oracle's score where it is lower.
        not_above: By control, the methods that are not wholly above its interval.
        disjoint_rows: Size of the largest set of rows whose intervals are pairwise disjoint.
        disjoint_methods: The same among methods only.
        rows: Rows with an interval.
        methods: Methods with an interval.
        valued: Methods with a value.
    """

    best: str
    tied: tuple[str, ...]
    below: tuple[str, ...]
    saturated: bool
    at_limit: tuple[str, ...]
    limit: float
    not_above: dict[str, tuple[str, ...]]
    disjoint_rows: int
    disjoint_methods: int
    rows: int
    methods: int
    valued: int


def overlap(first: Estimate, second: Estimate) -> bool:
    """Return whether two intervals share a point; a missing interval separates nothing."""
    if first.interval is None or second.interval is None:
        return True
    return first.interval[0] <= second.interval[1] and second.interval[0] <= first.interval[1]


def largest_disjoint(intervals: Sequence[tuple[float, float]]) -> int:
    """Return the size of the largest set of pairwise disjoint closed intervals.

    Interval scheduling: of the intervals that start after the last one taken, take the one that
    ends first. Intervals that touch are not disjoint.
    """
    count = 0
    last = float("-inf")
    for low, high in sorted(intervals, key=lambda interval: (interval[1], interval[0])):
        if low > last:
            count += 1
            last = high
    return count


def compare(estimates: Sequence[Estimate], floors: Sequence[str] = FLOORS) -> Verdict:
    """Return what a column supports.

    Args:
        estimates: The rows, methods and controls, in the order of the table.
        floors: Controls that a method should beat.

    Returns:
        The verdict; a saturated column has neither a best method nor ties.
    """
    methods = [row for row in estimates if row.is_method and row.value is not None]
    controls = {row.label: row for row in estimates if not row.is_method}
    bounded = all(row.higher_is_better for row in estimates)
    limit = _limit(controls.get("oracle")) if bounded else 1.0
    at_limit = tuple(row.label for row in methods if bounded and row.goodness >= limit - _EPSILON)
    saturated = len(at_limit) > 1
    # A value without an interval may come from one lucky unit: any method with an interval wins.
    ranked = [row for row in methods if row.interval] or methods
    best = None if saturated else max(ranked, key=lambda row: row.goodness, default=None)
    others = [] if best is None else [row for row in methods if row is not best]
    not_above = {
        name: tuple(row.label for row in methods if not _above(row, controls[name]))
        for name in floors
        if name in controls and controls[name].value is not None
    }
    own = [row.interval for row in methods if row.interval]
    # Leave out exact expectations: an interval without width is disjoint from nearly all.
    every = own + [
        row.interval
        for row in estimates
        if not row.is_method and row.interval and row.low != row.high
    ]
    return Verdict(
        best="" if best is None else best.label,
        tied=tuple(row.label for row in others if best and overlap(row, best)),
        below=tuple(row.label for row in others if best and not overlap(row, best)),
        saturated=saturated,
        at_limit=at_limit,
        limit=limit,
        not_above=not_above,
        disjoint_rows=largest_disjoint(every),
        disjoint_methods=largest_disjoint(own),
        rows=len(every),
        methods=len(own),
        valued=len(methods),
    )


def _above(method: Estimate, floor: Estimate) -> bool:
    """Return whether a method lies wholly above a control; an exact expectation is a point."""
    if floor.interval is None:
        floor = replace(floor, low=floor.value, high=floor.value)
    return not overlap(method, floor) and method.goodness > floor.goodness


def _limit(oracle: Estimate | None) -> float:
    """Return 1.0, or the best score that the concept set allows: no method can exceed it."""
    return 1.0 if oracle is None or oracle.value is None else min(1.0, oracle.value)
