"""Published figures on a board's page and on a terminal, always marked as reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from leaderboards.pages.markdown import clean, escape, table
from leaderboards.pages.numbers import show_interval
from leaderboards.published import difference, load_figures
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from leaderboards.board import Board
    from leaderboards.published import Figure
    from leaderboards.reproduction import Comparison
    from leaderboards.tables import ConditionTable

_IMPORTED = """\
Printed or stored by others, not measured here, and marked *reported* for that. No difference from
the tables above is shown where the judge, the label rules or the units are not the same: cosines of
two sentence encoders cannot be compared."""

_BESIDE = """\
*Reported* is what others printed or stored, *rerun* what somebody else got from the authors' code.
A difference is shown only where encoder, judge, label rules and units are the same; *not seen* is a
number that nobody here has read."""

_NUMBERS = ("ours", "reported", "difference", "rerun")
_HEADER = ("method × probe set × concepts", "score", *_NUMBERS)


def published_section(board: Board) -> list[str]:
    """Return published figures beside the scores of a board's experiments, and of its networks."""
    parts: list[str] = []
    for experiment, comparisons in board.comparisons.items():
        rows = [[escape(text) for text in _texts(comparison)] for comparison in comparisons]
        header = [*_HEADER, "note"]
        full = [
            [*row, escape(comparison.reason)]
            for row, comparison in zip(rows, comparisons, strict=True)
        ]
        parts += [f"## Published beside ours: {escape(experiment)}", _BESIDE, table(header, full)]
        parts += [_sources([comparison.figure for comparison in comparisons])]
    return parts + _imported_section(board)


def print_comparisons(experiment: str, comparisons: Sequence[Comparison], console: Console) -> None:
    """Print published figures beside the scores of an experiment."""
    console.print(Text(f"published beside ours: {clean(experiment)}", "bold"))
    cells: dict[str, list[Comparison]] = {}
    for one in comparisons:
        cells.setdefault(_cell(one.figure, " | "), []).append(one)
    # Print a single table, so that its columns have the same width for all cells.
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column("")
    for name in _NUMBERS:
        shown.add_column(name, justify="right", no_wrap=True)
    for cell, members in cells.items():
        shown.add_row(Text(clean(cell), "italic"))
        for one in members:
            numbers = [Text(clean(text)) for text in _texts(one)[-len(_NUMBERS) :]]
            if one.difference is not None:
                numbers[_NUMBERS.index("difference")].stylize("bold")
            shown.add_row(f"  {clean(one.figure.metric)}", *numbers)
    console.print(shown)
    for reason in dict.fromkeys(one.reason for one in comparisons if one.value is not None):
        if reason:
            console.print(Text(f"no difference: {clean(reason, 200)}", "dim"))


def _cell(figure: Figure, separator: str) -> str:
    return separator.join(filter(None, (figure.label, figure.probe_set, figure.concept_set)))


def _texts(comparison: Comparison) -> list[str]:
    figure = comparison.figure
    ours = "not run" if comparison.reason == "not run" else "—"
    gap = "—"
    if comparison.value is not None:
        ours = _scaled(figure, comparison.value)
        if comparison.interval:
            form = metric_of(figure.metric).format
            ours += f" {show_interval(*comparison.interval, form)}"
    if comparison.difference is not None:
        gap = _scaled(figure, comparison.difference, signed=True)
    return [
        _cell(figure, " × "),
        figure.metric,
        ours,
        figure.shown(figure.value),
        gap,
        figure.shown(figure.rerun) if figure.rerun else "—",
    ]


def _scaled(figure: Figure, value: float, *, signed: bool = False) -> str:
    """Return a number of ours on the figure's scale, with as many digits as the figure."""
    scaled = value * 100 if figure.scale == "%" else value
    digits = len(figure.value.partition(".")[2]) if figure.value else 1
    text = f"{scaled:+.{digits}f}" if signed else f"{scaled:.{digits}f}"
    return f"{text} %" if figure.scale == "%" else text


def _imported_section(board: Board) -> list[str]:
    """Return figures about the networks of imported labels, from tables with their methods."""
    methods: dict[tuple[str, str], set[str]] = {}
    for one in board.tables:
        for row in one.methods:
            if row.record.is_imported:
                methods.setdefault(_place(one), set()).add(str(row.record.method.get("name")))
    about = [f for f in load_figures() if (f.target, f.layer) in methods and f.seen]
    tables = {f.table for f in about if f.method in methods[f.target, f.layer]}
    # Take all figures of these experiments, from any publication.
    made = {f.experiment for f in about if f.table in tables} - {""}
    own = [figure for figure in about if figure.table in tables or figure.experiment in made]
    if not own:
        return []
    header = ["reported", "probe set × concepts", "score", "judge", "over", "value"]
    judged = [_ours(board, figure) for figure in own]
    if any(judged):
        header.append("ours − reported")
    rows = []
    for figure, found in zip(own, judged, strict=True):
        over = f"{figure.units} units" if figure.units else "not stated"
        rules = (
            f"{figure.judge}, {figure.label_rules} rules" if figure.label_rules else figure.judge
        )
        sets = " × ".join(filter(None, (figure.probe_set, figure.concept_set)))
        texts = [f"{figure.target} {figure.layer}: {figure.label}", sets, figure.metric]
        texts += [rules, over, figure.shown(figure.value)]
        texts += [found or "—"] if any(judged) else []
        rows.append([escape(text or "—") for text in texts])
    return ["## Published figures", _IMPORTED, table(header, rows), _sources(own)]


def _sources(figures: Iterable[Figure]) -> str:
    """Return a Markdown list with one line for each source."""
    read = dict.fromkeys((f.table, f.source, f.seen_in) for f in figures)
    reruns = dict.fromkeys(f.rerun_source for f in figures if f.rerun)
    lines = [f"- {escape(name)}: {escape(source, 300)} ({kind})" for name, source, kind in read]
    lines += [f"- rerun: {escape(source, 300)} (third-party rerun)" for source in reruns]
    return "\n".join(lines)


def _ours(board: Board, figure: Figure) -> str:
    """Return the differences of imported rows; none for figures of one variant of a method."""
    if figure.variant:
        return ""
    found = (
        difference(figure, row.score_set)
        for one in board.tables
        if _place(one) == (figure.target, figure.layer)
        for row in one.methods
        if row.record.method.get("name") == figure.method and row.score_set is not None
    )
    # A difference that rounds to zero has no sign.
    shown = (f"{round(value, 4) or 0.0:+.4f}" for value in found if value is not None)
    return "; ".join(dict.fromkeys(text.replace("+0.0000", "0.0000") for text in shown))


def _place(one: ConditionTable) -> tuple[str, str]:
    target = one.methods[0].record.target if one.methods else {}
    return str(target.get("name")), str(target.get("layer"))
