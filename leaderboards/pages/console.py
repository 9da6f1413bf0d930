"""A board as terminal tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from leaderboards.pages.estimates import separated
from leaderboards.pages.markdown import clean
from leaderboards.pages.numbers import count, show, show_interval
from metrics.aggregate import DEAD, NO_NAME
from metrics.catalog import DECISIONS, HEADLINES, Format, metric_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leaderboards.board import Board
    from leaderboards.summary import Column, Summary
    from leaderboards.tables import ConditionTable

_LABEL_WIDTH = 32
_GIVEN_WIDTH = 13
_COLUMN_WIDTH = 24


def print_board(board: Board, console: Console) -> None:
    """Print the first headline table of each layer, and its tables of decisions.

    Bold is best, `~` is not significantly worse. Tables that are too wide are split by columns.
    """
    first: dict[tuple[str, str, str], Summary] = {}
    for summary in board.summaries:
        first.setdefault(summary.place, summary)
    shown = [s for s in board.summaries if first[s.place] is s or s.metric in DECISIONS]
    for summary in shown:
        left = _LABEL_WIDTH + (_GIVEN_WIDTH if summary.given else 0)
        for part in summary.split(max(1, (console.width - left) // _COLUMN_WIDTH)):
            console.print(_table(part))
    if not first and board.tables:
        console.print(Text(f"No score to show: {_why_none(board.tables)}."))
    elif not first:
        console.print("No scored record was found.")
    else:
        images = "; of decisions over images" if any(s.metric in DECISIONS for s in shown) else ""
        console.print(
            Text(
                f"score [95 % interval over units{images}]; bold: best method; ~: not "
                "significantly worse; saturated: two or more methods reach the limit, so no method "
                "is ranked; separated: pairs of methods that differ significantly, compared unit "
                "by unit and corrected for all pairs",
                style="dim",
            )
        )
    if changing := sum(bool(group.changes) for group in board.rankings):
        where = f"{changing} of {count(len(board.rankings), 'condition')}"
        console.print(Text(f"the best method depends on the score in {where}", "yellow"))
    for failure in board.failures:
        where = clean(f"{failure.label} on {failure.where}", 200)
        console.print(Text(f"failed: {where}: {clean(failure.error, 200)}", "red"))
    for problem in board.problems:
        where = clean(problem.where, 200)
        console.print(Text(f"{problem.kind}: {where}: {clean(problem.message, 200)}", "yellow"))


def _why_none(tables: Sequence[ConditionTable]) -> str:
    """Return why no method of some tables has a score that needs true names."""
    if not any(table.methods for table in tables):
        return "only controls were described, and no method on the network itself"
    # Every method has the first headline score, which only needs a label and a true name.
    scores = [row.scores.get(HEADLINES[0]) for table in tables for row in table.methods]
    reasons = {score.reason for score in scores if score is not None and score.reason} - {NO_NAME}
    if not reasons:
        return "no true name of the described units is known (target.truth)"
    explanations = {DEAD: f"{DEAD}, its activations constant or not finite"}
    return "; ".join(explanations.get(reason, reason) for reason in sorted(reasons))


def _table(summary: Summary) -> Table:
    metric = metric_of(summary.metric)
    title = Text(clean(f"{metric.title}: {', '.join(summary.place[1:])}"), style="bold")
    table = Table(title=title, title_justify="left")
    table.add_column("", min_width=20, overflow="fold")
    if summary.given:
        table.add_column("given", max_width=_GIVEN_WIDTH, overflow="fold")
    none = [""] if summary.given else []
    for column in summary.columns:
        heading = Text("\n".join(clean(line) for line in column.condition.heading))
        if column.verdict.saturated:
            heading.append("\nsaturated", style="yellow")
        table.add_column(heading, justify="right", vertical="bottom")
    for label in summary.methods:
        given = [Text(clean(summary.given.get(label, "")), "dim")] if summary.given else []
        cells = [_cell(column, label, metric.format) for column in summary.columns]
        table.add_row(Text(clean(label)), *given, *cells, end_section=label == summary.methods[-1])
    for label in summary.controls:
        title = Text("shuffled (best method)" if label == "shuffled" else label, style="italic")
        last = label == summary.controls[-1]
        cells = [_cell(column, label, metric.format) for column in summary.columns]
        table.add_row(title, *none, *cells, end_section=last)
    counts = [Text(separated(column.verdict), "dim") for column in summary.columns]
    table.add_row(Text("separated pairs", style="dim"), *none, *counts)
    return table


def _cell(column: Column, label: str, form: Format) -> Text:
    estimate, verdict = column.estimates.get(label), column.verdict
    if estimate is None or estimate.value is None:
        return Text("—", style="dim")
    text = Text(show(estimate.value, form))
    if estimate.low != estimate.high:
        text.append(f" {show_interval(estimate.low, estimate.high, form)}", style="dim")
    if not estimate.is_method:
        if estimate.p_shuffled is not None:
            text.append(f" p = {estimate.p_shuffled:.2g}")
        text.stylize("italic")
    elif label == verdict.best:
        text.stylize("bold green")
    elif label in verdict.tied:
        return Text("~ ").append_text(text)
    return text
