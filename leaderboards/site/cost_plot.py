"""Quality against cost: the methods of a condition in a plane, and those that none dominates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboards.pages.numbers import show, show_seconds
from leaderboards.site.axes import Axis, linear_axis, log_axis
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.site.ranking import RankedTable

COSTS = {
    "cold_s": "seconds from an empty cache",
    "per_unit_s": "seconds per unit, evidence shared",
}
"""The two costs of a method, by their attribute of a ranked row."""


@dataclass(frozen=True)
class Point:
    """A method in the plane, in pixels of the plot.

    Attributes:
        number: Place of the method among the methods of the condition, from 1.
        text: Its name, score and cost.
        x: Position of its cost.
        y: Position of its score.
        low: Position of the lower end of the score's interval.
        high: Position of the upper end.
        on_front: Whether no method is at least as good for less, or better for as much.
    """

    number: int
    text: str
    x: float
    y: float
    low: float
    high: float
    on_front: bool


@dataclass(frozen=True)
class CostPlot:
    """A plot of a condition.

    Attributes:
        title: The cost.
        metric: Title of the score.
        x: Logarithmic axis of the cost.
        y: Axis of the score.
        points: The methods that have both, fast ones first.
    """

    title: str
    metric: str
    x: Axis
    y: Axis
    points: tuple[Point, ...]


def cost_plots(table: RankedTable, width: float = 420, height: float = 240) -> list[CostPlot]:
    """Return a plot for each cost that two methods or more have.

    Args:
        table: The condition.
        width: Width of a plot in pixels.
        height: Height.
    """
    methods = [row for row in table.rows if row.kind == "method"]
    metric = metric_of(table.metric)
    found = []
    for name, title in COSTS.items():
        measured = [
            (number, row.label, getattr(row, name), entry.estimate)
            for number, row in enumerate(methods, start=1)
            if getattr(row, name) > 0 and (entry := row.entries.get(table.metric)) is not None
        ]
        if len(measured) < 2:
            continue
        measured.sort(key=lambda one: (one[2], -one[3].goodness))
        ends = [end for *_, one in measured for end in (one.interval or (one.value, one.value))]
        x = log_axis([cost for _, _, cost, _ in measured], 44, width - 12)
        y = linear_axis([end for end in ends if end is not None], height - 40, 10)
        front = pareto_front([(cost, one.goodness) for _, _, cost, one in measured])
        points = []
        for place, (number, label, cost, one) in enumerate(measured):
            assert one.value is not None
            low, high = one.interval or (one.value, one.value)
            text = f"{label}: {show(one.value, metric.format)}, {show_seconds(cost)}"
            where = (x.place(cost), y.place(one.value), y.place(low), y.place(high))
            points.append(Point(number, text, *where, place in front))
        found.append(CostPlot(title, metric.title, x, y, tuple(points)))
    return found


def pareto_front(pairs: Sequence[tuple[float, float]]) -> set[int]:
    """Return the positions of pairs (cost, goodness) that no other pair dominates.

    A pair dominates another if it is at least as good and as cheap, and better or cheaper.
    """
    return {
        place
        for place, (cost, good) in enumerate(pairs)
        if not any(
            other <= cost and better >= good and (other, better) != (cost, good)
            for other, better in pairs
        )
    }
