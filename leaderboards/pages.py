"""The pages of a board: a front page to read, one with every metric, one with the costs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from leaderboards.columns import (
    DECISIONS,
    HEADLINES,
    NORMALISED,
    Kind,
    describe,
    show,
    show_interval,
    split_group,
)
from leaderboards.conclusions import conclude
from leaderboards.detectors_page import detectors_section
from leaderboards.imported import imported_section, is_imported
from leaderboards.markdown import escape, quoted, table
from leaderboards.published_page import published_section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leaderboards.board import Board
    from leaderboards.intervals import Entry, Verdict
    from leaderboards.summary import Column, Summary

_HOW_TO_READ = """\
**How to read it.** A cell is the score and its 95 % interval over units. **Bold** is the best
method of a column; `≈` marks those whose interval overlaps the best's, so that the column cannot
tell them apart. Where two or more methods reach 1.0 (or the oracle, where that is lower) the column
is *saturated*: it ranks nobody, nothing in it is bold, and nothing is concluded from it. *Apart*
is the size of the largest set of rows (of methods) whose intervals are pairwise disjoint; controls
that are exact expectations have no interval and do not count. Intervals are not corrected for the
number of comparisons; where all units score alike, so that resampling sees no spread, they show
Wilson's bound on the share of units that could differ. `°` marks circular scores: the judge shares
its text tower with the encoder that made the labels.

*Controls* are no methods. **oracle** gives each unit the best label that the concept set holds,
**constant** gives all units the one concept that scores best, **shuffled** deals the labels of the
best method out at random (the exact mean over permutations), **chance** is the expected score of a
uniformly random concept."""


_FREE_TEXT = """\
*Free text* has columns of its own, for there is no set to choose from: its **oracle** is the true
name put into the best method's own sentences, its **constant** the one sentence in use that scores
best, and **listed** one label that lists all true names of the layer. A sentence is right where it
mentions the true name, or a synonym, as whole words and no other true name of the layer."""


_CIRCULAR = (
    "*Circular: the sentence scorer shares its text tower with the encoder that made the "
    "labels, which favours methods that use it. Read the lexical match first.*"
)
_CIRCULAR_DECISIONS = (
    "*Circular: a text encoder that says which class a label is nearest to shares its text tower "
    "with the encoder that made some of the labels.*"
)


def front_page(board: Board) -> str:
    """README.md: what is best where, the headline tables, and what they support."""
    parts = [f"# Leaderboard: {escape(board.name)}", _introduction(board), _HOW_TO_READ]
    listed = [row for sheet in board.sheets if (row := sheet.control("listed"))]
    if any(not is_imported(row.record) for row in listed):
        parts.append(_FREE_TEXT)
    if board.summaries:
        parts += ["## At a glance", _glance(board)]
    place = None
    for summary in board.summaries:
        if summary.place != place:
            place = summary.place
            parts.append(f"## {_place(summary, board)}")
        parts += _summary(summary)
    parts += detectors_section(board)
    parts += imported_section(board)
    parts += published_section(board)
    if board.failures or board.problems:
        parts += ["## Left out", _left_out(board)]
    parts += ["## The scores", _legend(board)]
    return "\n\n".join(parts) + "\n"


def provenance(board: Board) -> str:
    """One sentence: the hash of what is shown, and the command that made it."""
    return f"Made by {quoted(board.command, 300)} from record set `{board.score_hash[:16]}`."


def _introduction(board: Board) -> str:
    methods = {label for summary in board.summaries for label in summary.methods}
    counts = (
        f"{board.n_records} records: {len(methods)} methods under {len(board.sheets)} conditions."
    )
    links = (
        "Every metric: [board.md](board.md), unrounded in [results.csv.gz](results.csv.gz). These "
        "tables unrounded: [summary.csv](summary.csv). Time and memory: [costs.md](costs.md)."
    )
    if board.words:
        links += " Sentences beside the other methods' words: [labels.md](labels.md)."
    return f"{counts} {provenance(board)}\n\n{links}"


def _place(summary: Summary, board: Board) -> str:
    name, target, layer = summary.place
    several = len({summary.place[0] for summary in board.summaries}) > 1
    return escape(f"{name}: {target}, {layer}" if several else f"{target}, {layer}")


def _glance(board: Board) -> str:
    """One row per condition, from each target's first headline table."""
    first: dict[tuple[str, str, str], Summary] = {}
    for summary in board.summaries:
        first.setdefault(summary.place, summary)
    rows = [
        [escape(", ".join(summary.place[1:])), *_glance_row(summary, column)]
        for summary in first.values()
        for column in summary.columns
    ]
    names = sorted({describe(summary.metric).title for summary in first.values()})
    header = ["target", "probe set", "concepts", "best method", " or ".join(names)]
    header += ["not separable from it", "oracle", "constant", "chance", "apart"]
    return table(header, rows)


def _glance_row(summary: Summary, column: Column) -> list[str]:
    condition, verdict = column.condition, column.verdict
    kind = describe(summary.metric).kind
    controls = [
        escape(show(entry.value, kind)) if (entry := column.entries.get(name)) else "—"
        for name in ("oracle", "constant", "chance")
    ]
    if verdict.saturated:
        best, score, tied = "*saturated*", escape(show(verdict.limit, kind)), "—"
    elif not verdict.best:
        best, score, tied = "—", "—", "—"
    else:
        entry = column.entries[verdict.best]
        best, score = f"**{escape(verdict.best)}**", _number(entry, kind)
        tied = ", ".join(escape(label) for label in verdict.tied[:2]) or "none"
        tied += f" and {len(verdict.tied) - 2} more" if len(verdict.tied) > 2 else ""
    concepts = " ".join(condition.heading[1:])
    return [
        escape(condition.probe),
        escape(concepts),
        best,
        score,
        tied,
        *controls,
        _apart(verdict),
    ]


def _summary(summary: Summary) -> list[str]:
    metric = describe(summary.metric)
    circular = any(column.circular for column in summary.columns)
    parts = [f"### {escape(metric.title)}{'°' if circular else ''}"]
    if circular:
        parts.append(_CIRCULAR_DECISIONS if summary.metric in DECISIONS else _CIRCULAR)
    given = ["given"] if summary.given else []
    header = ["", *given, *(_heading(column) for column in summary.columns)]
    rows = [
        [
            _row_title(label, label in summary.methods),
            *([escape(summary.given.get(label, ""))] if given else []),
            *(_cell(c, label, metric.kind) for c in summary.columns),
        ]
        for label in summary.rows
    ]
    rows.append(["apart", *[""] * len(given), *(_apart(c.verdict) for c in summary.columns)])
    parts.append(table(header, rows))
    parts.append("\n".join(_conclusions(summary.columns)))
    return parts


def _conclusions(columns: Iterable[Column]) -> list[str]:
    """A point per conclusion; columns with the same one share it."""
    said: dict[str, list[str]] = defaultdict(list)
    warned: dict[str, list[str]] = defaultdict(list)
    for column in columns:
        heading = escape(" × ".join(column.condition.heading))
        said[" ".join(conclude(column.verdict))].append(heading)
        if column.warning:
            warned[f"**Warning.** {escape(column.warning, 600)}"].append(heading)
    return [
        f"- {'; '.join(headings)}: {text}" for text, headings in [*said.items(), *warned.items()]
    ]


def _heading(column: Column) -> str:
    lines = [escape(line) for line in column.condition.heading]
    n = max((entry.n or 0 for entry in column.entries.values()), default=0)
    if n:
        lines.append(f"n = {n}")
    if column.verdict.saturated:
        lines.append("*saturated*")
    return "<br>".join(lines)


def _row_title(label: str, is_method: bool) -> str:
    title = "shuffled (best method)" if label == "shuffled" and not is_method else label
    return escape(title) if is_method else f"*{escape(title)}*"


def _cell(column: Column, label: str, kind: Kind) -> str:
    entry = column.entries.get(label)
    if entry is None or entry.value is None:
        return "—"
    return mark(entry, column.verdict, kind)


def mark(entry: Entry, verdict: Verdict, kind: Kind) -> str:
    """A number with its interval: bold where best, `≈` where tied with the best."""
    text = _number(entry, kind)
    if entry.is_method and entry.label == verdict.best:
        value, _, interval = text.partition(" ")
        return f"**{value}** {interval}".rstrip()
    if entry.is_method and entry.label in verdict.tied:
        return f"≈ {text}"
    return text


def _number(entry: Entry, kind: Kind) -> str:
    text = escape(show(entry.value, kind))
    interval = show_interval(entry.low, entry.high, kind)
    # An exact expectation has an interval without width, which says nothing.
    return text if not interval or entry.low == entry.high else f"{text} {interval}"


def _apart(verdict: Verdict) -> str:
    return (
        f"{verdict.disjoint_rows} of {verdict.rows} "
        f"({verdict.disjoint_methods} of {verdict.methods})"
    )


def _left_out(board: Board) -> str:
    lines = [
        f"- failed: {escape(failure.label)} on {escape(failure.where)}: "
        f"{quoted(failure.error, 200)}"
        for failure in board.failures
    ]
    lines += [
        f"- {problem.kind}: {quoted(problem.where, 200)}: {escape(problem.message, 200)}"
        for problem in board.problems
        if problem.kind != "duplicate"
    ]
    return "\n".join(lines) if lines else "Nothing."


def _legend(board: Board) -> str:
    """What each score on the pages means."""
    seen = {row_name for sheet in board.sheets for row in sheet.rows for row_name in row.scores}
    bases = {split_group(name)[0] for name in seen} | {NORMALISED}
    known = [name for name in (*HEADLINES, *sorted(bases)) if name in bases]
    lines = []
    for name in dict.fromkeys(known):
        metric = describe(name)
        if metric.meaning:
            lines.append(f"- **{escape(metric.title)}**: {metric.meaning}")
    lines.append(
        "- `selective_…` counts labelled units alone; everywhere else a live unit without a label "
        "counts as a miss, and a unit that is dead in the evidence is left out for every method."
    )
    return "\n".join(lines)
