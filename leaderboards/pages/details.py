"""The page board.md: every metric of every condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.estimates import mark
from leaderboards.pages.markdown import escape, table
from leaderboards.pages.numbers import show, show_interval
from leaderboards.pages.provenance import provenance
from leaderboards.pages.remarks import describe_reach, describe_split
from leaderboards.pages.warnings import warn_of_comma_joined
from metrics.catalog import (
    ANSWER_F1,
    ANSWER_METRICS,
    CONCEPT_AUROC,
    DECISIONS,
    FALSE_LABELS,
    LABEL_STABILITY,
    SET_METRICS,
    metric_of,
    split_group,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.board import Board
    from leaderboards.rows import Row
    from leaderboards.tables import ConditionTable
    from metrics.scores import Score

_NAMES = ("lexical_match", "accuracy_at_1", "accuracy_at_1[reachable]", "accuracy_at_5", "mrr")
_MEANING = (
    "sentence_cosine",
    "sentence_cosine[reachable]",
    "sentence_cosine_best_synonym",
    "clip_cosine",
    "clip_cosine_best_synonym",
    "nearest_name",
    "bleu",
    "bertscore_f1",
)
_RANKS = (
    "mean_rank",
    "median_rank",
    "auroc",
    "distinct_labels",
    "top_label_share",
    LABEL_STABILITY,
)
_COVERAGE = ("coverage",)


def details_page(board: Board) -> str:
    """Return board.md, with one section per condition."""
    parts = [
        f"# Every metric: {escape(board.name)}",
        (
            f"{provenance(board)} The front page is [README.md](README.md), which says how to read "
            "the marks; every number is in [results.csv.gz](results.csv.gz), unrounded."
        ),
    ]
    if board.tables:
        parts.append("\n".join(_contents(board.tables)))
    for number, one in enumerate(board.tables, start=1):
        parts += _section(number, one)
    return "\n\n".join(parts) + "\n"


def _title(one: ConditionTable) -> str:
    condition = one.condition
    return escape(
        f"{condition.target}, {condition.layer}: {' × '.join(condition.heading)}", limit=200
    )


def _contents(tables: Sequence[ConditionTable]) -> list[str]:
    return [
        f"{number}. [{_title(one)}](#condition-{number})"
        for number, one in enumerate(tables, start=1)
    ]


def _section(number: int, one: ConditionTable) -> list[str]:
    condition = one.condition
    facts = [
        "" if condition.n_images is None else f"{condition.n_images} probe images",
        "" if condition.n_concepts is None else f"{condition.n_concepts} concepts",
        f"scoring {escape(condition.skey)}",
        f"condition {condition.id}",
        f"sorted by {escape(metric_of(one.headline).title)}" if one.headline else "",
    ]
    parts = [
        f'<a id="condition-{number}"></a>\n\n## {number}. {_title(one)}',
        " · ".join(fact for fact in facts if fact),
    ]
    names = [*_NAMES[:1], *_groups(one, "lexical_match"), *_NAMES[1:]]
    sets = [name for metric in SET_METRICS for name in (metric, *_groups(one, metric))]
    sets += [FALSE_LABELS, CONCEPT_AUROC]
    tables = (_metrics(one, columns) for columns in (names, sets, _MEANING, DECISIONS, _RANKS))
    parts += [text for text in (*tables, _answers(one)) if text]
    parts += _facts(one)
    if lines := _notes(one):
        parts.append("\n".join(lines))
    return parts


def _groups(one: ConditionTable, metric: str) -> list[str]:
    names = {name for row in one.methods for name in row.scores}
    return sorted(name for name in names if name != metric and split_group(name)[0] == metric)


def _metrics(one: ConditionTable, names: Sequence[str]) -> str:
    """Return a table of some metrics; those without any value are left to the notes."""
    shown = []
    columns = []
    for name in names:
        estimates = one.estimates(name)
        if all(estimate.value is None for estimate in estimates):
            continue
        verdict, metric = one.verdict(name), metric_of(name)
        circular = any(name in row.scores and row.scores[name].circular for row in one.methods)
        title = escape(metric.title) + ("°" if circular else "")
        if not metric.ranks:
            columns.append(title)
            shown.append([escape(show(estimate.value, metric.format)) for estimate in estimates])
            continue
        columns.append(f"{title}<br>*saturated*" if verdict.saturated else title)
        shown.append(
            ["—" if e.value is None else mark(e, verdict, metric.format) for e in estimates]
        )
    if not shown:
        return ""
    labels = [_label(row) for row in one.rows]
    rows = [list(cells) for cells in zip(labels, *shown, strict=True)]
    return table(["", *columns], rows)


def _answers(one: ConditionTable) -> str:
    """Return a table of the methods that answer in sets of words or formulas, best first."""
    rows = [row for row in one.methods if row.value(ANSWER_F1) is not None]
    if not rows:
        return ""
    rows.sort(key=lambda row: (-row.goodness(ANSWER_F1), row.label))
    titles = [escape(metric_of(name).title) for name in ANSWER_METRICS]
    cells = [
        [_label(row), *(_estimate(row.scores.get(name), name) for name in ANSWER_METRICS)]
        for row in rows
    ]
    return table(["", *titles], cells)


def _estimate(score: Score | None, name: str) -> str:
    if score is None or score.value is None:
        return "—"
    form = metric_of(name).format
    interval = show_interval(score.ci_low, score.ci_high, form)
    return f"{escape(show(score.value, form))} {interval}".rstrip()


def _label(row: Row) -> str:
    return escape(row.label) if row.is_method else f"*{escape(row.label)}*"


def _facts(one: ConditionTable) -> list[str]:
    """Return a table of what each row was given and counted, and one of labelled units alone."""
    header = ["", "given", "vocabulary", "labels", "units (dead)", "scored", "unlabelled"]
    extra = [
        name
        for name in sorted({name for row in one.methods for name in row.scores})
        if (name in _COVERAGE or name.startswith("selective_"))
        and not split_group(name)[1]
        and any(row.value(name) is not None for row in one.rows)
    ]
    rows, values = [], []
    for row in one.rows:
        score = row.scores.get(one.headline)
        counts = row.record.counts
        facts = [f"{_count(counts.get('units'))} ({_count(counts.get('dead'))})"]
        facts += [_count(None if score is None else score.n)]
        facts += [_count(score.n_unlabelled if score is not None and row.is_method else None)]
        texts = [escape(text) for text in (row.given, row.vocabulary, row.mark)]
        rows.append([_label(row), *texts, *facts])
        shown = (show(row.value(name), metric_of(name).format) for name in extra)
        values.append([_label(row), *map(escape, shown)])
    titles = ["", *(escape(metric_of(name).title) for name in extra)]
    return [table(header, rows), *([table(titles, values)] if extra else [])]


def _count(value: int | None) -> str:
    return "—" if value is None else str(value)


def _notes(one: ConditionTable) -> list[str]:
    """Return notes on controls, reasons for missing numbers, and the notes of the runs."""
    lines = [f"- *{row.label}*: {escape(row.note, 300)}" for row in one.rows if row.note]
    reasons: dict[str, list[str]] = {}
    for row in one.methods:
        for name in sorted(row.scores):
            score = row.scores[name]
            if score.value is None and not split_group(name)[1]:
                names = reasons.setdefault(score.reason or "no reason given", [])
                if name not in names:
                    names.append(name)
    for reason in sorted(reasons):
        missing = ", ".join(escape(name) for name in sorted(reasons[reason]))
        lines.append(f"- no {missing}: {escape(reason, 300)}")
    lines += [f"- {text}" for text in (describe_reach(one), describe_split(one)) if text]
    lines += [f"- {escape(note, 600)}" for note in one.notes]
    if warning := warn_of_comma_joined(one.methods):
        lines.append(f"- {escape(warning, 600)}")
    remarks = sorted({(row.label, note) for row in one.methods for note in row.record.notes})
    lines += [f"- {escape(label)}: {escape(note, 300)}" for label, note in remarks]
    return lines
