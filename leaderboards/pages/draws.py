"""The section of a board's front page on further draws of the probe set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.draws import spread_rows
from leaderboards.pages.estimates import number
from leaderboards.pages.markdown import escape, table
from leaderboards.pages.numbers import show, show_interval
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.summary import Summary

_INTRODUCTION = """\
The same methods on other images: draws of the probe set that share no image. Columns above show the
first draw, with intervals over units for these images. *sd* is the sample standard deviation of the
score over draws; the lowest and highest score stand beside it. Unrounded, for all metrics, in
[results.csv.gz](results.csv.gz)."""


def draws_section(board: Board) -> list[str]:
    """Return the parts of the section; none where no probe set has several draws.

    Leave out layers for which the section on sensitivity shows draws of several sizes.
    """
    swept = board.sensitivity[board.sensitivity["axis"] == "images"]
    places = set(zip(swept["board"], swept["target"], swept["layer"], strict=True))
    tables: list[str] = []
    for summary in board.summaries:
        if summary.place not in places:
            places.add(summary.place)  # the first headline score of each layer
            tables += filter(None, [_table(summary)])
    return ["## Between draws of the probe set", _INTRODUCTION, *tables] if tables else []


def _table(summary: Summary) -> str:
    """Return the spread of a score over draws; empty where no column has several."""
    metric = metric_of(summary.metric)
    rows = [
        [
            escape(label),
            escape(" × ".join(column.condition.heading)),
            number(column.estimates[label], metric.format),
            show(spread["draw_sd"], metric.format),
            show_interval(spread["draw_min"], spread["draw_max"], metric.format),
            str(spread["draws"]),
        ]
        for column in summary.columns
        for label, spread in spread_rows(column.table, summary.metric).items()
        if spread and label in summary.methods
    ]
    if not rows:
        return ""
    layer = escape(", ".join(summary.place[1:]))
    title = escape(metric.title)
    return table([layer, "column", f"{title}, first draw", "sd", "range", "draws"], rows)
