"""The section of a board's front page on the stability of labels under resampled images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape, table
from leaderboards.pages.numbers import show, show_interval
from metrics.catalog import LABEL_STABILITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.board import Board
    from leaderboards.rows import Row
    from leaderboards.tables import ConditionTable

_INTRODUCTION = """\
Share of bootstrap resamples of the probe images in which a unit keeps its first label: the mean
over labelled units, with its 95 % interval over units. It says how much labels depend on the choice
of images, not whether they are right."""


def stability_section(board: Board) -> list[str]:
    """Return the parts of the section; none where no labels were resampled."""
    layers: dict[tuple[str, str, str], dict[tuple[str, str], ConditionTable]] = {}
    for one in board.tables:
        if any(row.value(LABEL_STABILITY) is not None for row in one.methods):
            # Neither the truth nor the judge changes labels.
            columns = layers.setdefault(one.condition.place, {})
            columns.setdefault((one.condition.probe, one.condition.concepts), one)
    if not layers:
        return []
    tables = [_table(place, list(columns.values())) for place, columns in layers.items()]
    return ["## Stability of labels", _INTRODUCTION, *tables]


def _table(place: Sequence[str], columns: Sequence[ConditionTable]) -> str:
    """Return a table with a row per method and a column per probe set and concept set."""
    rows = [{row.label: row for row in one.methods} for one in columns]
    labels = dict.fromkeys(label for own in rows for label in own)
    header = [escape(", ".join(place[1:]))]
    header += [
        f"{escape(one.condition.probe)}<br>{escape(one.condition.concepts)}" for one in columns
    ]
    cells = [[escape(label), *(_cell(own.get(label)) for own in rows)] for label in labels]
    return table(header, [row for row in cells if any(cell != "—" for cell in row[1:])])


def _cell(row: Row | None) -> str:
    score = None if row is None else row.scores.get(LABEL_STABILITY)
    if score is None or score.value is None:
        return "—"
    text = escape(show(score.value, "fraction"))
    return f"{text} {show_interval(score.ci_low, score.ci_high, 'fraction')}".rstrip()
