"""The section of a layer on one scale: scores of conditions of different difficulty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape, table
from leaderboards.pages.numbers import show
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.summary import Column, Summary

METRICS = ("lexical_match", "sentence_cosine")
"""Scores with a table; all headline scores are in summary.csv."""

_INTRODUCTION = """\
(score - floor) / (ceiling - floor): 0 is the better of *constant* and *shuffled* (each method's
own), 1 is the *oracle*. So columns of different concept sets and probe sets can be compared; the
methods of a column differ as in the tables above. Intervals and the other scores:
[summary.csv](summary.csv)."""


def scale_section(summaries: Sequence[Summary]) -> list[str]:
    """Return the parts of the section; none for a layer with a single condition.

    Args:
        summaries: Those of one layer.
    """
    shown = [one for one in summaries if one.metric in METRICS and len(one.columns) > 1]
    tables = [text for summary in shown if (text := _table(summary))]
    return ["### One scale", _INTRODUCTION, *tables] if tables else []


def scaled(column: Column, label: str, metric: str) -> str:
    """Return the scaled score of a method; "—" for none."""
    row = next((row for row in column.table.methods if row.label == label), None)
    return escape(show(column.table.scaled(row, metric).value if row else None, "fraction"))


def _table(summary: Summary) -> str:
    cells = [
        [scaled(column, label, summary.metric) for column in summary.columns]
        for label in summary.methods
    ]
    if all(cell == "—" for row in cells for cell in row):
        return ""
    title = escape(metric_of(summary.metric).title) + ("°" if summary.is_circular else "")
    headings = ["<br>".join(map(escape, summary.heading(column))) for column in summary.columns]
    rows = [[escape(label), *own] for label, own in zip(summary.methods, cells, strict=True)]
    return table([title, *headings], rows)
