"""The section of a board's front page on the scores that methods give their own labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from leaderboards.pages.markdown import escape, table
from leaderboards.pages.numbers import show, show_interval
from metrics.confidence import FIFTHS

if TYPE_CHECKING:
    from leaderboards.board import Board

_INTRODUCTION = """\
Most methods score their labels. *AUROC* is the chance that a right label scores higher than a wrong
one (0.5: the score says nothing). *Excess AURC* is the mean share of wrong labels among the
best-scored units, over all shares of units, less that of the best order (0: no order is better);
what a random order is expected to give stands in parentheses. The fifths are of the units, sorted
by the method's score. *Brier skill* is how much better the score, calibrated on other units,
predicts which labels are right than their share does (1: perfectly; 0 or less: not at all). Units
without a label, or whose label has no score, are left out. Of each layer, this is the condition in
which most methods give both right and wrong labels; [confidence.csv](confidence.csv) has all."""


def confidence_section(board: Board) -> list[str]:
    """Return the parts of the section; none where no method gives both right and wrong labels."""
    found = board.confidence[board.confidence["excess_aurc"].notna()]
    if not len(found):
        return []
    parts = ["## Can a method's own score be trusted?", _INTRODUCTION]
    sizes = {one.condition.id: one.condition.n_images or 0 for one in board.tables}
    for (_, target, layer), conditions in found.groupby(["board", "target", "layer"], sort=False):
        _, rows = max(
            conditions.groupby("condition", sort=False),
            key=lambda one: (len(one[1]), sizes[str(one[0])]),
        )
        where = f"{target}, {layer}: {rows['probe'].iloc[0]} × {rows['concepts'].iloc[0]}"
        parts += [f"### {escape(where)}", _table(rows)]
    return parts


def _table(rows: pd.DataFrame) -> str:
    ordered = rows.sort_values(["auroc", "method"], ascending=[False, True], kind="stable")
    header = ["method", "n", "right", "AUROC", "excess AURC (random order)"]
    header += ["right: best / worst fifth", "Brier skill"]
    return table(header, [_cells(row) for _, row in ordered.iterrows()])


def _cells(row: pd.Series) -> list[str]:
    random = _number(row["aurc_chance"] - row["aurc_optimum"])
    return [
        escape(str(row["method"])),
        f"{row['n']:,}",
        _number(row["right"]),
        _with_interval(row, "auroc"),
        f"{_with_interval(row, 'excess_aurc')} ({random})",
        f"{_number(row['right_fifth_1'])} / {_number(row[f'right_fifth_{FIFTHS}'])}",
        _with_interval(row, "brier_skill"),
    ]


def _with_interval(row: pd.Series, name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    interval = "" if pd.isna(low) else f" {show_interval(low, high, 'fraction')}"
    return _number(row[name]) + interval


def _number(value: float) -> str:
    return escape(show(None if pd.isna(value) else value, "fraction"))
