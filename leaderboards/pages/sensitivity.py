"""The section on sensitivity of a board's front page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from leaderboards.pages.markdown import escape, table
from leaderboards.pages.numbers import show
from leaderboards.sensitivity import AGREEMENT, CURVE
from metrics.catalog import HEADLINES, metric_of

if TYPE_CHECKING:
    from leaderboards.board import Board

SENSITIVITY_PICTURE = "sensitivity.png"

_NOUNS = {"images": "probe images", "concepts": "candidate labels"}

_INTRODUCTION = f"""\
Scores on nested subsets of several sizes, each with disjoint draws: the mean over draws, and the
lowest and highest. *tau* is Kendall's tau of a draw's ranking of the methods with the ranking by
the mean of the other draws at the largest size. A ranking is *settled* at the smallest size from
which the mean tau stays at {AGREEMENT} or more. Unrounded, for all metrics, in
[sensitivity.csv](sensitivity.csv)."""


def sensitivity_section(board: Board) -> list[str]:
    """Return the parts of the section; none where no records sweep sizes with draws."""
    found = first_metric(board.sensitivity)
    if not len(found):
        return []
    parts = ["## Sensitivity", _INTRODUCTION]
    parts.append(f"![Scores and agreement of rankings by size]({SENSITIVITY_PICTURE})")
    for values, curves in found.groupby(list(CURVE), sort=False):
        panel = dict(zip(CURVE, map(str, values), strict=True))
        parts += [f"### {_NOUNS[panel['axis']].capitalize()}", _conclude(panel, curves)]
        parts.append(_sizes(panel, curves))
    return parts


def first_metric(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each panel's first headline metric."""
    order = found["metric"].map(list(HEADLINES).index)
    place = [name for name in CURVE if name != "metric"]
    return found[order == order.groupby([found[name] for name in place]).transform("min")]


def _conclude(panel: dict[str, str], curves: pd.DataFrame) -> str:
    """Return a panel's condition, and from which size its ranking is settled."""
    noun, settled = _NOUNS[panel["axis"]], curves["settled"].iloc[0]
    largest = curves["size"].max()
    where = ", ".join(panel[name] for name in ("target", "layer", "probe", "concepts"))
    where += "".join(f", {panel[name]}" for name in ("scoring", "judge") if panel[name])
    methods = curves["method"].nunique()
    title = metric_of(panel["metric"]).title
    if pd.isna(settled):
        verdict = f"is not settled at {largest:,} {noun}, the largest size"
    elif settled == largest:
        verdict = f"agrees between draws only at the largest size, {largest:,} {noun}"
    else:
        verdict = f"is settled from {settled:,} {noun}"
    return f"{escape(where)}: the ranking of {methods} methods by {escape(title)} {verdict}."


def _sizes(panel: dict[str, str], curves: pd.DataFrame) -> str:
    """Return a table with a row per size and a column per method."""
    form = metric_of(panel["metric"]).format
    largest = curves[curves["size"] == curves["size"].max()]
    methods = list(largest.sort_values("mean", ascending=False, kind="stable")["method"])
    rows = []
    for size, group in curves.groupby("size"):
        own = group.set_index("method")
        cells = [
            f"{show(one['mean'], form)} [{show(one['low'], form)}, {show(one['high'], form)}]"
            for one in (own.loc[method] for method in methods)
        ]
        first = group.iloc[0]
        tau = f"{first['tau']:.2f} [{first['tau_low']:.2f}, {first['tau_high']:.2f}]"
        rows.append([f"{size:,}", f"{first['draws']}", tau.replace("nan", "—"), *cells])
    return table([_NOUNS[panel["axis"]], "draws", "tau", *map(escape, methods)], rows)
