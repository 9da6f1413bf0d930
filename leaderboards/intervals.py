"""What a column's intervals support: ties, separations, and whether it ranks anybody at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPSILON = 1e-9
"""Means of many ones may miss 1.0 by their rounding."""

FLOORS = ("constant", "listed", "shuffled")
"""Controls that use nothing of the network."""


@dataclass(frozen=True)
class Entry:
    """One row of one column.

    Attributes:
        label: The row.
        is_method: False for a control, which takes no part in the ranking.
        value: The score; None where it cannot be had.
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


@dataclass(frozen=True)
class Verdict:
    """What one column says about its methods.

    Attributes:
        best: The method with the best value, of those with an interval if any has one; empty where
            no method has a value, or none may be named.
        tied: Methods whose interval overlaps the best's, in the order of the rows.
        below: Methods whose interval lies wholly on the worse side of the best's.
        saturated: Two or more methods reach the limit, so the column ranks nobody.
        at_limit: The methods that reach it.
        limit: The limit: 1.0, or the oracle's score where it is lower.
        not_above: By control, the methods that are not wholly above its interval.
        disjoint_rows: Size of the largest set of rows whose intervals are pairwise disjoint.
        disjoint_methods: The same among methods alone.
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


def overlap(first: Entry, second: Entry) -> bool:
    """Whether two intervals share a point; a missing interval separates nothing."""
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return True
    return first.low <= second.high and second.low <= first.high


def largest_disjoint(intervals: Sequence[tuple[float, float]]) -> int:
    """Size of the largest set of pairwise disjoint closed intervals.

    Taking always the one that ends first, of those that start after the last one taken, is
    optimal (interval scheduling). Intervals that touch are not disjoint.
    """
    count = 0
    last = float("-inf")
    for low, high in sorted(intervals, key=lambda interval: (interval[1], interval[0])):
        if low > last:
            count += 1
            last = high
    return count


def judge(entries: Sequence[Entry], floors: Sequence[str] = FLOORS) -> Verdict:
    """Say what a column supports.

    Args:
        entries: The rows, methods and controls, in the order of the table.
        floors: Controls that a method should beat.

    Returns:
        The verdict; a saturated column has neither a best method nor ties.
    """
    methods = [entry for entry in entries if entry.is_method and entry.value is not None]
    controls = {entry.label: entry for entry in entries if not entry.is_method}
    limit = _limit(entries, controls.get("oracle"))
    at_limit = tuple(entry.label for entry in methods if _value(entry) >= limit - _EPSILON)
    bounded = all(entry.higher_is_better for entry in entries)
    saturated = bounded and len(at_limit) > 1
    # A value without an interval may come of one lucky unit: it is best only among its like.
    sure = [entry for entry in methods if entry.low is not None and entry.high is not None]
    best = max(sure or methods, key=_worth, default=None)
    tied: list[str] = []
    below: list[str] = []
    if best is not None and not saturated:
        for entry in methods:
            if entry is not best:
                (tied if overlap(entry, best) else below).append(entry.label)
    not_above = {}
    for name in floors:
        floor = controls.get(name)
        if floor is not None and floor.value is not None:
            not_above[name] = tuple(entry.label for entry in methods if not _above(entry, floor))
    own = _intervals(methods)
    # A control that is an exact expectation has an interval without width, apart from nearly all.
    controlled = [e for e in entries if not e.is_method and e.low != e.high]
    every = own + _intervals(controlled)
    return Verdict(
        best="" if best is None or saturated else best.label,
        tied=tuple(tied),
        below=tuple(below),
        saturated=saturated,
        at_limit=at_limit if bounded else (),
        limit=limit,
        not_above=not_above,
        disjoint_rows=largest_disjoint(every),
        disjoint_methods=largest_disjoint(own),
        rows=len(every),
        methods=len(own),
        valued=len(methods),
    )


def _above(entry: Entry, floor: Entry) -> bool:
    """Whether a method lies wholly above a control; an exact expectation is a point."""
    if floor.low is None or floor.high is None:
        floor = replace(floor, low=floor.value, high=floor.value)
    return not overlap(entry, floor) and _worth(entry) > _worth(floor)


def _limit(entries: Sequence[Entry], oracle: Entry | None) -> float:
    """1.0, or the best score that the concept set allows: above it nobody can be told apart."""
    if oracle is None or oracle.value is None or not all(e.higher_is_better for e in entries):
        return 1.0
    return min(1.0, oracle.value)


def _intervals(entries: Sequence[Entry]) -> list[tuple[float, float]]:
    return [(e.low, e.high) for e in entries if e.low is not None and e.high is not None]


def _value(entry: Entry) -> float:
    return float("nan") if entry.value is None else entry.value


def _worth(entry: Entry) -> float:
    """The value, turned so that more is better."""
    return _value(entry) if entry.higher_is_better else -_value(entry)
