"""The section of a board's front page on labels compared with units on held-out images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.faithfulness import describe_images, describe_presence
from leaderboards.pages.estimates import mark, separated
from leaderboards.pages.markdown import escape, table
from leaderboards.pages.numbers import show
from metrics.catalog import metric_of
from metrics.faithfulness_scores import TITLES

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.faithfulness_tables import FaithfulnessRow, FaithfulnessTable

_INTRODUCTION = """\
Hidden units have no true names, but a label predicts on which images its unit is active: on those
that show its concept. The tables compare this with the units' activations on images that the labels
were not made with (`dissectbench faithfulness`): means over units with their 95 % intervals, by
metrics that pass both sanity checks. Methods are compared in pairs, unit by unit, as above. Control
networks, in italics, say what labels of units score that learned nothing: only what a method scores
above its own row there is due to training; their p-value compares them with their own labels,
shuffled. *random concept* is the expected score of a random label; *best concept* chooses each
unit's label on these same images (a formula can exceed it). n counts scored units; those in
parentheses are left out, since nothing is known of their label: compare methods only where these
are few. All metrics, and verdicts in numbers: [faithfulness.csv](faithfulness.csv)."""
_CIRCULAR = (
    "`°`: the judge shares its text tower with the encoder that made the labels, which favours "
    "methods that use it."
)


def faithfulness_section(board: Board) -> list[str]:
    """Return the parts of the section; none where no labels were compared with units."""
    if not board.faithfulness:
        return []
    parts = ["## Faithfulness of labels", _INTRODUCTION]
    if any(row.scores.circular for one in board.faithfulness for row in one.rows):
        parts.append(_CIRCULAR)
    for one in board.faithfulness:
        where = one.condition
        title = f"{where.target}, {where.layer}: {where.probe} × {where.concepts}"
        parts += [f"### {escape(title, 200)}", _describe(one), _table(one)]
        if one.taus:
            parts.append(_agreement(one))
    return parts


def _describe(one: FaithfulnessTable) -> str:
    alpha = one.setting["alpha"]
    return (
        f"{escape(describe_images(one.setting), 200)}; what they show: "
        f"{escape(describe_presence(one.setting), 200)}."
        + ("" if alpha is None else f" A unit is active on its top {100 * alpha:.3g} % of them.")
    )


def _table(one: FaithfulnessTable) -> str:
    rows = [
        [_title(row), _counts(row), *(_cell(one, row, name) for name in one.metrics)]
        for row in one.rows
    ]
    widest = max(one.rows, key=lambda row: (row.is_method, _scored(row)))
    scores = [widest.scores.scores.get(name) for name in one.metrics]
    for title, field in (("random concept", "chance"), ("best concept", "ceiling")):
        values = (getattr(score, field) if score else None for score in scores)
        rows.append([f"*{title}*", "", *(escape(show(value, "fraction")) for value in values)])
    rows.append(["separated pairs", "", *(separated(one.verdicts[name]) for name in one.metrics)])
    return table(["", "n (left out)", *(escape(TITLES[name]) for name in one.metrics)], rows)


def _title(row: FaithfulnessRow) -> str:
    title = escape(row.label) + ("°" if row.scores.circular else "")
    return title if row.is_method else f"*{title}*"


def _counts(row: FaithfulnessRow) -> str:
    unknown = max(int(score.detail.get("unknown", 0)) for score in row.scores.scores.values())
    return f"{_scored(row)} ({unknown})"


def _scored(row: FaithfulnessRow) -> int:
    return max(score.n for score in row.scores.scores.values())


def _cell(one: FaithfulnessTable, row: FaithfulnessRow, name: str) -> str:
    estimate = row.estimate(name)
    return "—" if estimate.value is None else mark(estimate, one.verdicts[name], "fraction")


def _agreement(one: FaithfulnessTable) -> str:
    values = ", ".join(f"{escape(TITLES[name])} {tau:.2f}" for name, tau in one.taus.items())
    title = escape(metric_of(one.headline).title)
    return f"Rankings of the methods by these metrics and by {title} (Kendall's tau): {values}."
