"""The headline tables in LaTeX, one file a table, for `input` in a paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from leaderboards.judge_names import judge_name
from leaderboards.latex.text import escape
from leaderboards.pages.markdown import clean
from leaderboards.pages.numbers import show, show_interval
from leaderboards.references import cite_method, cite_part
from metrics.catalog import DECISIONS, metric_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leaderboards.summary import Column, Summary
    from leaderboards.verdicts import Estimate, Verdict
    from metrics.catalog import Format

_MOST = 4
"""Conditions beside each other; a fifth would leave too little room for intervals."""

_PACKAGES = "% Packages: array, booktabs, fontenc with option T1. Citations: references.bib."


def latex_tables(summaries: Sequence[Summary], provenance: str) -> dict[str, str]:
    """Return LaTeX tables by name, such as "glyphs-objects-fc-lexical-match".

    Args:
        summaries: The headline tables of a board.
        provenance: Where they come from, for a comment.
    """
    several = len({summary.place[0] for summary in summaries}) > 1
    found: dict[str, str] = {}
    for summary in summaries:
        words = (*summary.place[0 if several else 1 :], summary.metric)
        stem = name = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
        number = 1
        while name in found:  # names that differ in other characters
            number += 1
            name = f"{stem}-{number}"
        found[name] = f"% {clean(provenance, 400)}\n{_PACKAGES}\n{_tables(summary, name)}"
    return found


def cited(table: str) -> set[str]:
    """Return the keys of the publications that a LaTeX table cites."""
    return {key for keys in re.findall(r"\\cite\{([^}]*)\}", table) for key in keys.split(",")}


def _tables(summary: Summary, name: str) -> str:
    """Return a table for each few conditions of a summary."""
    parts = summary.split(_MOST - bool(summary.given))
    texts = []
    for number, part in enumerate(parts, start=1):
        caption = " ".join(_caption(summary, part))
        caption += f" Part {number} of {len(parts)}." if len(parts) > 1 else ""
        texts.append(_table(summary, part, caption, name if number == 1 else f"{name}-{number}"))
    return "\n".join(texts)


def _table(summary: Summary, part: Summary, caption: str, name: str) -> str:
    given = ["given"] if summary.given else []
    form = metric_of(summary.metric).format
    columns = part.columns
    header = [["", *given, *(_heading(summary, column) for column in columns)]]
    methods = [
        [
            _method(part, label),
            *(escape(summary.given.get(label, "")) for _ in given),
            *(_cell(column, label, form) for column in columns),
        ]
        for label in part.methods
    ]
    controls = [
        [_control(label), *("" for _ in given), *(_cell(column, label, form) for column in columns)]
        for label in part.controls
    ]
    blocks = [
        "".join(f"{' & '.join(row)} \\\\\n" for row in rows)
        for rows in (header, methods, controls)
        if rows
    ]
    width = min(0.22, (0.92 - 0.24 - 0.13 * len(given)) / len(columns))
    left = r">{\raggedright\arraybackslash}p{0.24\textwidth}"
    left += r">{\raggedright\arraybackslash}p{0.13\textwidth}" * len(given)
    right = f">{{\\raggedleft\\arraybackslash}}p{{{width:.3f}\\textwidth}}" * len(columns)
    rules = "\\midrule\n".join(blocks)
    return f"""\
\\begin{{table*}}[!htbp]
\\centering
\\footnotesize
\\setlength{{\\tabcolsep}}{{3pt}}
\\setlength{{\\belowcaptionskip}}{{4pt}}
\\caption{{{caption}}}
\\label{{tab:{name}}}
\\begin{{tabular}}{{@{{}}{left}{right}@{{}}}}
\\toprule
{rules}\\bottomrule
\\end{{tabular}}
\\end{{table*}}
"""


def _caption(summary: Summary, part: Summary) -> Iterator[str]:
    metric = metric_of(summary.metric)
    title = f"{metric.title}{'°' if summary.is_circular else ''}: {', '.join(summary.place[1:])}."
    yield escape(f"{title[0].upper()}{title[1:]}", 200)
    yield escape(metric.meaning, 400)
    over = "images" if summary.metric in DECISIONS else "units"
    yield f"In brackets: the 95\\,\\% interval over {over}."
    yield "Bold: the best method of a column."
    yield "Methods of a column that share a letter do not differ significantly."
    if any(column.verdict.saturated for column in part.columns):
        yield "Saturated columns rank no method."
    if any(column.circular for column in part.columns):
        yield escape("°: the judge shares weights with the encoder that made some of the labels.")
    if part.controls:
        yield "In italics: controls."
    if sources := _sources(part):
        yield f"Sources: {'; '.join(sources)}."


def _sources(part: Summary) -> list[str]:
    """Return the networks, data and models of a table that have publications, with citations."""
    found: dict[str, tuple[str, ...]] = {}
    for column in part.columns:
        for row in column.table.methods:
            record, condition = row.record, column.condition
            found[condition.target] = cite_part("target", record.target)
            found[condition.probe] = cite_part("probe", record.probe)
            found[condition.concepts] = cite_part("concepts", record.concepts)
            for role in ("encoder", "segmenter", "captioner"):
                own = getattr(record, role)
                if keys := cite_part(role, own):
                    found[f"{role} {own.get('name')}"] = keys
            scoring = row.score_set.scoring if row.score_set else {}
            if metric_of(part.metric).judged and (judge := judge_name(scoring["sentence"])):
                found[f"judge {judge}"] = cite_part("judge", {"name": judge})
    return [f"{escape(name)}{_cite(keys)}" for name, keys in found.items() if keys]


def _cite(keys: Sequence[str]) -> str:
    return f"~\\cite{{{','.join(keys)}}}" if keys else ""


def _heading(summary: Summary, column: Column) -> str:
    lines = [escape(line) for line in summary.heading(column)]
    n = max((one.n or 0 for one in column.estimates.values() if one.is_method), default=0)
    lines += [f"$n={n}$"] if n else []
    lines += [r"\emph{saturated}"] if column.verdict.saturated else []
    return r"\newline ".join(lines)


def _method(part: Summary, label: str) -> str:
    """Return the label of a method with its citation."""
    records = (
        row.record for column in part.columns for row in column.table.methods if row.label == label
    )
    return escape(label) + _cite(cite_method(next(records).method))


def _control(label: str) -> str:
    return f"\\emph{{{escape('shuffled (best method)' if label == 'shuffled' else label)}}}"


def _cell(column: Column, label: str, form: Format) -> str:
    estimate = column.estimates.get(label)
    return (
        "---"
        if estimate is None or estimate.value is None
        else _mark(estimate, column.verdict, form)
    )


def _mark(estimate: Estimate, verdict: Verdict, form: Format) -> str:
    """Return a number with its interval: bold where best, letters where compared in pairs."""
    text = escape(show(estimate.value, form))
    text = f"$-${text[1:]}" if text.startswith("-") else text
    if estimate.is_method and estimate.label == verdict.best:
        text = f"\\textbf{{{text}}}"
    if estimate.is_method and verdict.pairs and not verdict.saturated:
        letters = verdict.pairs.letters.get(estimate.label, "")
        text += f"\\textsuperscript{{{escape(letters)}}}" if letters else ""
    if interval := show_interval(estimate.low, estimate.high, form):
        text += f" {{\\scriptsize {escape(interval)}}}" if estimate.low != estimate.high else ""
    if not estimate.is_method and estimate.p_shuffled is not None:
        p = estimate.p_shuffled
        text += " $p<0.001$" if p < 0.001 else f" $p={p:.2g}$"
    return text
