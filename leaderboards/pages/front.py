"""The front page of a board, README.md."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from leaderboards.pages.concept_sets import concept_sets_section
from leaderboards.pages.confidence import confidence_section
from leaderboards.pages.detectors import detectors_section
from leaderboards.pages.draws import draws_section
from leaderboards.pages.faithfulness import faithfulness_section
from leaderboards.pages.headlines import at_a_glance, summary_section
from leaderboards.pages.imported import imported_section
from leaderboards.pages.judges import judges_note, judges_section
from leaderboards.pages.markdown import escape, quoted
from leaderboards.pages.numbers import count
from leaderboards.pages.provenance import provenance
from leaderboards.pages.published import published_section
from leaderboards.pages.scale import scale_section
from leaderboards.pages.seeds import seeds_section
from leaderboards.pages.sensitivity import sensitivity_section
from leaderboards.pages.stability import stability_section
from metrics.catalog import HEADLINES, metric_of, split_group

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.summary import Summary

_HOW_TO_READ = """\
**How to read it.** A cell is the score and its 95 % interval over units. **Bold** is the best
method of a column; `≈` marks those that are not significantly worse. All methods name the same
units, so that a column compares all pairs of methods unit by unit: by McNemar's exact test with
Holm's correction where labels are right or wrong, else by the largest studentised difference of all
pairs in a paired bootstrap (max-T). Either keeps the chance of any false difference in a column at
5 % or less; whether their intervals overlap decides nothing. Scores without a value for each unit
(AUROC, median rank) are not compared: there `≈` marks equal values. A method is above
**shuffled** where a permutation test says so (Holm's correction over the methods of a column),
above another control where its interval is. *Separated pairs* counts the pairs that differ; letters
and rank intervals are in [summary.csv](summary.csv). Where two or more methods reach 1.0 (or a
lower oracle that no method exceeds) the column is *saturated*: it ranks no method, nothing in it is
bold, and nothing is concluded from it. Intervals of scores are not corrected for the number of
methods; where all units score alike, so that resampling sees no spread, they show Wilson's bound on
the share of units that could differ. `°` marks circular scores: the judge shares its text tower
with the encoder that made the labels.

*Controls* are no methods. **oracle** gives each unit the best label that the concept set holds
(formulas of several concepts can exceed it), **constant** gives all units the one concept that
scores best, **shuffled** deals the labels of the best method out at random (the exact mean over
permutations), **chance** is the expected score of a uniformly random concept. *Scaled* is (score -
floor) / (ceiling - floor), from the better of constant and shuffled to the oracle."""


_FREE_TEXT = """\
*Free text* has columns of its own, for there is no set to choose from: its **oracle** is the true
name put into the best method's own sentences, its **constant** the one sentence in use that scores
best, and **listed** one label that lists all true names of the layer. A sentence is right where it
mentions the true name, or a synonym, as whole words and no other true name of the layer."""


_CONTROL_NETWORKS = """\
*Control networks* are methods on units that the network did not learn: **random weights** in the
same architecture, or a **rotated basis**, in which a random rotation mixes the layer's units. The
number is the seed, and p compares the row with its own labels, shuffled. They are never ranked."""


def front_page(board: Board) -> str:
    """Return README.md: the best methods, the headline tables, and what they support."""
    parts = [f"# Leaderboard: {escape(board.name)}", _introduction(board), _HOW_TO_READ]
    listed = [row for one in board.tables if (row := one.control("listed"))]
    if any(not row.record.is_imported for row in listed):
        parts.append(_FREE_TEXT)
    if any(row.is_control_network for one in board.tables for row in one.rows):
        parts.append(_CONTROL_NETWORKS)
    if board.summaries:
        parts += ["## At a glance", at_a_glance(board)]
    for _, group in groupby(board.summaries, key=lambda summary: summary.place):
        summaries = list(group)
        parts.append(f"## {_place(summaries[0], board)}")
        parts += judges_note(board, summaries[0].place)
        for summary in summaries:
            parts += summary_section(summary, is_first=summary is summaries[0])
        parts += scale_section(summaries)
    parts += faithfulness_section(board)
    parts += concept_sets_section(board)
    parts += confidence_section(board)
    parts += seeds_section(board)
    parts += judges_section(board)
    parts += draws_section(board)
    parts += stability_section(board)
    parts += sensitivity_section(board)
    parts += detectors_section(board)
    parts += imported_section(board)
    parts += published_section(board)
    if board.failures or board.problems:
        parts += ["## Left out", _left_out(board)]
    parts += ["## The scores", _legend(board)]
    return "\n\n".join(parts) + "\n"


def _introduction(board: Board) -> str:
    methods = {label for summary in board.summaries for label in summary.methods}
    counts = (
        f"{count(board.n_records, 'record')}: {count(len(methods), 'method')} under "
        f"{count(len(board.tables), 'condition')}."
    )
    links = (
        "Every metric: [board.md](board.md), unrounded in [results.csv.gz](results.csv.gz). These "
        "tables unrounded: [summary.csv](summary.csv). Columns: [columns.csv](columns.csv). Time "
        "and memory: [costs.md](costs.md)."
    )
    if board.labels:
        links += " Sentences beside the other methods' words: [labels.md](labels.md)."
    return f"{counts} {provenance(board)}\n\n{links}"


def _place(summary: Summary, board: Board) -> str:
    name, target, layer = summary.place
    several = len({summary.place[0] for summary in board.summaries}) > 1
    return escape(f"{name}: {target}, {layer}" if several else f"{target}, {layer}")


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
    """Return what each score on the pages means."""
    seen = {name for one in board.tables for row in one.rows for name in row.scores}
    bases = {split_group(name)[0] for name in seen}
    known = [name for name in (*HEADLINES, *sorted(bases)) if name in bases]
    lines = []
    for name in dict.fromkeys(known):
        metric = metric_of(name)
        if metric.meaning:
            lines.append(f"- **{escape(metric.title)}**: {metric.meaning}")
    lines.append(
        "- `selective_…` counts labelled units alone; everywhere else a live unit without a label "
        "counts as a miss, and a unit that is dead in the evidence is left out for every method."
    )
    return "\n".join(lines)
