"""The section of a board's front page on networks of several training seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape, table
from leaderboards.pages.numbers import show, show_interval
from leaderboards.seeds import SEED_PLACE
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from leaderboards.board import Board

_INTRODUCTION = """\
The same methods on networks of one architecture that were trained from several seeds. *sd* is the
sample standard deviation of a score over networks; intervals over units do not include it.
Unrounded in [seeds.csv](seeds.csv)."""


def seeds_section(board: Board) -> list[str]:
    """Return the parts of the section; none where no network has several seeds."""
    if not len(board.seeds):
        return []
    parts = ["## Between training seeds", _INTRODUCTION]
    for place, rows in board.seeds.groupby([*SEED_PLACE, "metric"], sort=False):
        *names, metric = map(str, place)
        form = metric_of(metric).format
        cells = [
            [
                escape(row["method"]),
                show(row["mean"], form),
                show(row["sd"], form),
                show_interval(row["low"], row["high"], form),
                f"{row['seeds']}",
            ]
            for row in rows.sort_values("mean", ascending=False, kind="stable").to_dict("records")
        ]
        parts.append(escape(", ".join(filter(None, names[1:]))))
        header = ["", f"{escape(metric_of(metric).title)}, mean", "sd", "range", "seeds"]
        parts.append(table(header, cells))
    return parts
