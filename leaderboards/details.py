"""board.md: every metric of every condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.columns import DECISIONS, describe, show, split_group
from leaderboards.intervals import judge
from leaderboards.markdown import escape, table
from leaderboards.pages import mark, provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.board import Board
    from leaderboards.sheets import Row, Sheet

_NAMES = ("lexical_match", "accuracy_at_1", "accuracy_at_5", "mrr")
_MEANING = (
    "sentence_cosine",
    "sentence_cosine_best_synonym",
    "clip_cosine",
    "clip_cosine_best_synonym",
    "nearest_name",
    "bleu",
    "bertscore_f1",
)
_RANKS = ("mean_rank", "median_rank", "auroc", "distinct_labels", "top_label_share")
_COVERAGE = ("coverage",)


def details_page(board: Board) -> str:
    """The page with one section per condition."""
    parts = [
        f"# Every metric: {escape(board.name)}",
        (
            f"{provenance(board)} The front page is [README.md](README.md), which says how to read "
            "the marks; every number is in [results.csv.gz](results.csv.gz), unrounded."
        ),
    ]
    if board.sheets:
        parts.append("\n".join(_contents(board.sheets)))
    for number, sheet in enumerate(board.sheets, start=1):
        parts += _section(number, sheet)
    return "\n\n".join(parts) + "\n"


def _title(sheet: Sheet) -> str:
    condition = sheet.condition
    return escape(
        f"{condition.target}, {condition.layer}: {' × '.join(condition.heading)}", limit=200
    )


def _contents(sheets: Sequence[Sheet]) -> list[str]:
    return [
        f"{number}. [{_title(sheet)}](#condition-{number})"
        for number, sheet in enumerate(sheets, start=1)
    ]


def _section(number: int, sheet: Sheet) -> list[str]:
    condition = sheet.condition
    facts = [
        "" if condition.n_images is None else f"{condition.n_images} probe images",
        "" if condition.n_concepts is None else f"{condition.n_concepts} concepts",
        f"scoring {escape(condition.skey)}",
        f"condition {condition.id}",
        f"sorted by {escape(describe(sheet.headline).title)}" if sheet.headline else "",
    ]
    parts = [
        f'<a id="condition-{number}"></a>\n\n## {number}. {_title(sheet)}',
        " · ".join(fact for fact in facts if fact),
    ]
    names = [*_NAMES[:1], *_groups(sheet, "lexical_match"), *_NAMES[1:]]
    tables = (_metrics(sheet, columns) for columns in (names, _MEANING, DECISIONS, _RANKS))
    parts += [text for text in tables if text]
    parts.append(_facts(sheet))
    if lines := _notes(sheet):
        parts.append("\n".join(lines))
    return parts


def _groups(sheet: Sheet, metric: str) -> list[str]:
    names = {name for row in sheet.methods for name in row.scores}
    return sorted(name for name in names if name != metric and split_group(name)[0] == metric)


def _metrics(sheet: Sheet, names: Sequence[str]) -> str:
    """A table of some metrics; those without a single value are left to the notes."""
    shown = []
    columns = []
    for name in names:
        entries = sheet.entries(name)
        if all(entry.value is None for entry in entries):
            continue
        verdict, metric = judge(entries), describe(name)
        circular = any(name in row.scores and row.scores[name].circular for row in sheet.methods)
        title = escape(metric.title) + ("°" if circular else "")
        if not metric.ranks:
            columns.append(title)
            shown.append([escape(show(entry.value, metric.kind)) for entry in entries])
            continue
        columns.append(f"{title}<br>*saturated*" if verdict.saturated else title)
        shown.append(["—" if e.value is None else mark(e, verdict, metric.kind) for e in entries])
    if not shown:
        return ""
    labels = [_label(row) for row in sheet.rows]
    rows = [list(cells) for cells in zip(labels, *shown, strict=True)]
    return table(["", *columns], rows)


def _label(row: Row) -> str:
    return escape(row.label) if row.is_method else f"*{escape(row.label)}*"


def _facts(sheet: Sheet) -> str:
    header = ["", "given", "vocabulary", "labels", "units", "dead", "scored", "unlabelled"]
    extra = [
        name
        for name in sorted({name for row in sheet.methods for name in row.scores})
        if (name in _COVERAGE or name.startswith("selective_")) and not split_group(name)[1]
    ]
    rows = []
    for row in sheet.rows:
        score = row.scores.get(sheet.headline)
        counts = row.record.counts
        facts = [_count(counts.get(name)) for name in ("units", "dead")]
        facts += [_count(None if score is None else score.n)]
        facts += [_count(score.n_unlabelled if score is not None and row.is_method else None)]
        values = [row.scores.get(name) for name in extra]
        shares = [
            show(None if value is None else value.value, describe(name).kind)
            for name, value in zip(extra, values, strict=True)
        ]
        texts = [escape(text) for text in (row.given, row.vocabulary, row.origin)]
        rows.append([_label(row), *texts, *facts, *(escape(share) for share in shares)])
    return table([*header, *(escape(describe(name).title) for name in extra)], rows)


def _count(value: int | None) -> str:
    return "—" if value is None else str(value)


def _notes(sheet: Sheet) -> list[str]:
    """Whose control is what, why numbers are missing, what the runs had to say."""
    lines = [f"- *{row.label}*: {escape(row.note, 300)}" for row in sheet.rows if row.note]
    reasons: dict[str, list[str]] = {}
    for row in sheet.methods:
        for name in sorted(row.scores):
            score = row.scores[name]
            if score.value is None and not split_group(name)[1]:
                names = reasons.setdefault(score.reason or "no reason given", [])
                if name not in names:
                    names.append(name)
    for reason in sorted(reasons):
        missing = ", ".join(escape(name) for name in sorted(reasons[reason]))
        lines.append(f"- no {missing}: {escape(reason, 300)}")
    lines += [f"- {escape(note, 600)}" for note in sheet.notes]
    said = sorted({(row.label, note) for row in sheet.methods for note in row.record.notes})
    lines += [f"- {escape(label)}: {escape(note, 300)}" for label, note in said]
    return lines
