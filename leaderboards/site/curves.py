"""Sensitivity: curves of scores against the size of a set, where a sweep has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboards.pages.sensitivity import first_metric
from leaderboards.sensitivity import CURVE
from leaderboards.site.axes import Axis, linear_axis, log_axis
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

SIZES = {"images": "probe images", "concepts": "candidate labels"}


@dataclass(frozen=True)
class Curve:
    """The scores of one method.

    Attributes:
        method: Label of its row.
        line: Points of the means over draws, as SVG writes them.
        band: Outline of the lowest and highest scores.
    """

    method: str
    line: str
    band: str


@dataclass(frozen=True)
class CurvePlot:
    """Curves of the methods of a layer.

    Attributes:
        title: Network, layer and the set that does not change.
        size: What the axis of sizes counts.
        metric: Title of the score.
        x: Logarithmic axis of sizes, with a tick at each.
        y: Axis of scores.
        curves: One per method.
    """

    title: str
    size: str
    metric: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]


def curve_plots(
    sensitivity: pd.DataFrame, board: str, width: float = 560, height: float = 280
) -> list[CurvePlot]:
    """Return a plot for each panel of a board's sensitivity.

    Args:
        sensitivity: `leaderboards.sensitivity.sensitivity_frame`.
        board: Name of the board.
        width: Width of a plot in pixels.
        height: Height.
    """
    own = sensitivity[sensitivity["board"] == board]
    if own.empty:
        return []
    plots = []
    for _, panel in first_metric(own).groupby(list(CURVE), sort=False):
        first = panel.iloc[0]
        sizes = sorted(panel["size"].astype(float).unique())
        x = log_axis(sizes, 44, width - 12)
        x = Axis(x.low, x.high, x.start, x.end, tuple(sizes), is_log=True)
        y = linear_axis([*panel["low"], *panel["high"]], height - 40, 10)
        other = first["concepts"] if first["axis"] == "images" else first["probe"]
        curves = []
        for method, rows in panel.groupby("method", sort=True):
            ordered = rows.sort_values("size")
            at = [x.place(size) for size in ordered["size"].astype(float)]
            mean, low, high = (
                list(zip(at, map(y.place, ordered[name]), strict=True))
                for name in ("mean", "low", "high")
            )
            curves.append(Curve(str(method), _points(mean), _points([*low, *reversed(high)])))
        title = f"{first['target']}, {first['layer']}: {other}"
        size, metric = SIZES[first["axis"]], metric_of(first["metric"]).title
        plots.append(CurvePlot(title, size, metric, x, y, tuple(curves)))
    return plots


def _points(pairs: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in pairs)
