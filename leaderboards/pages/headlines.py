"""The headline tables of a board's front page, and the table of their best methods."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from leaderboards.comma_joined import WHOLE
from leaderboards.pages.conclusions import conclude
from leaderboards.pages.estimates import mark, number, separated
from leaderboards.pages.markdown import MOST_COLUMNS, escape, table
from leaderboards.pages.numbers import show
from leaderboards.pages.remarks import describe_reach, describe_split
from leaderboards.pages.scale import scaled
from leaderboards.pages.warnings import warn_of_comma_joined
from metrics.catalog import DECISIONS, Format, metric_of

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.summary import Column, Summary

_CIRCULAR = (
    "*Circular (°): the sentence encoder shares its text tower with the encoder that made the "
    "labels, which favours methods that use it. Read the lexical match first.*"
)
_CIRCULAR_DECISIONS = (
    "*Circular (°): a text encoder that says which class a label is nearest to shares its text "
    "tower with the encoder that made some of the labels.*"
)


def at_a_glance(board: Board) -> str:
    """Return one row per condition, from each layer's first headline table."""
    first: dict[tuple[str, str, str], Summary] = {}
    for summary in board.summaries:
        first.setdefault(summary.place, summary)
    rows = [
        _glance_row(summary, column) for summary in first.values() for column in summary.columns
    ]
    names = sorted({metric_of(summary.metric).title for summary in first.values()})
    header = ["condition", "best method", " or ".join(names), "scaled", "not separable from it"]
    header += ["separated pairs", "oracle / constant / chance"]
    return table(header, rows)


def _glance_row(summary: Summary, column: Column) -> list[str]:
    condition, verdict = column.condition, column.verdict
    form = metric_of(summary.metric).format
    controls = [
        escape(show(estimate.value, form)) if (estimate := column.estimates.get(name)) else "—"
        for name in ("oracle", "constant", "chance")
    ]
    if verdict.saturated:
        best, score, scale, tied = "*saturated*", escape(show(verdict.limit, form)), "—", "—"
    elif not verdict.best:
        best, score, scale, tied = "—", "—", "—", "—"
    else:
        estimate = column.estimates[verdict.best]
        best, score = f"**{escape(verdict.best)}**", number(estimate, form)
        scale = scaled(column, verdict.best, summary.metric)
        tied = "nothing to compare" if verdict.is_single else "none"
        tied = ", ".join(escape(label) for label in verdict.tied[:2]) or tied
        tied += f" and {len(verdict.tied) - 2} more" if len(verdict.tied) > 2 else ""
    pairs = separated(verdict)
    return [escape(condition.title, 200), best, score, scale, tied, pairs, " / ".join(controls)]


def summary_section(summary: Summary, *, is_first: bool) -> list[str]:
    """Return the table of one metric of a layer, with its conclusions.

    Args:
        summary: The table.
        is_first: Whether it is the layer's first, below which the reach of concept sets stands.
    """
    metric = metric_of(summary.metric)
    parts = [f"### {escape(metric.title)}{'°' if summary.is_circular else ''}"]
    if any(column.circular for column in summary.columns):
        parts.append(_CIRCULAR_DECISIONS if summary.metric in DECISIONS else _CIRCULAR)
    given = ["given"] if summary.given else []
    for part in summary.split(MOST_COLUMNS - 1 - len(given)):
        header = ["", *given, *(_heading(column, summary) for column in part.columns)]
        rows = [
            [
                _row_title(label, label in summary.methods),
                *(escape(summary.given.get(label, "")) for _ in given),
                *(_cell(column, label, metric.format) for column in part.columns),
            ]
            for label in part.rows
        ]
        shown = [separated(column.verdict) for column in part.columns]
        rows.append(["separated pairs", *[""] * len(given), *shown])
        parts.append(table(header, rows))
    parts.append("\n".join(_conclusions(summary, is_first=is_first)))
    return parts


def _conclusions(summary: Summary, *, is_first: bool) -> list[str]:
    """Return a bullet per conclusion and per warning; columns with the same one share it.

    A single column is not named. The reach of a concept set stands below the first table only.
    """
    form = metric_of(summary.metric).format
    conclusions: dict[str, list[str]] = defaultdict(list)
    remarks: dict[str, list[str]] = defaultdict(list)
    for column in summary.columns:
        heading = escape(" × ".join(column.condition.heading))
        conclusions[" ".join(conclude(column.verdict, form))].append(heading)
        for remark in _remarks(summary.metric, column, is_first=is_first):
            remarks[remark].append(heading)
    several = len(summary.columns) > 1
    return [
        f"- {'; '.join(headings)}: {text}" if several else f"- {text}"
        for text, headings in [*conclusions.items(), *remarks.items()]
    ]


def _remarks(metric: str, column: Column, *, is_first: bool) -> list[str]:
    """Return what a reader should know of a column besides its verdict."""
    own = column.table
    warning = warn_of_comma_joined(own.methods) if metric == WHOLE else ""
    remarks = (
        f"**Warning.** {escape(warning, 600)}" if warning else "",
        describe_reach(own) if is_first else "",
        describe_split(own),
    )
    return [remark for remark in remarks if remark]


def _heading(column: Column, summary: Summary) -> str:
    lines = [escape(line) for line in summary.heading(column)]
    methods = [estimate for estimate in column.estimates.values() if estimate.is_method]
    n = max((estimate.n or 0 for estimate in methods), default=0)
    if n:
        lines.append(f"n = {n}")
    if column.table.draws:
        lines.append(f"first of {len(column.table.draws) + 1} draws")
    if column.verdict.saturated:
        lines.append("*saturated*")
    return "<br>".join(lines)


def _row_title(label: str, is_method: bool) -> str:
    title = "shuffled (best method)" if label == "shuffled" and not is_method else label
    return escape(title) if is_method else f"*{escape(title)}*"


def _cell(column: Column, label: str, form: Format) -> str:
    estimate = column.estimates.get(label)
    if estimate is None or estimate.value is None:
        return "—"
    return mark(estimate, column.verdict, form)
