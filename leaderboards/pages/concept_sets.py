"""The section of a board's front page on units whose concepts are all known, by kind and layer."""

from __future__ import annotations

from collections import defaultdict
from statistics import mean
from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape, table
from leaderboards.pages.numbers import show
from metrics.catalog import CONCEPT_AUROC, CONCEPT_IOU, EXACT_CONCEPTS, FALSE_LABELS, split_group
from metrics.reach import REACHABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.board import Board
    from leaderboards.rows import Row
    from leaderboards.tables import ConditionTable

_INTRODUCTION = """\
The truth lists all concepts that a unit responds to. *Exact*: the share of units whose label says
all of them and no other. *IoU*: the concepts that label and unit have in common, as a share of the
concepts of either. *False labels*: the share of live units without any concept that got a label;
lower is better. *AUROC*: how well the method's own score tells units with a concept from these.
Each table shows one kind of unit, with the layers in the order of their mean IoU. Intervals are in
[board.md](board.md)."""


def concept_sets_section(board: Board) -> list[str]:
    """Return the parts of the section; none where no truth lists the concepts of units."""
    found: defaultdict[tuple[str, ...], dict[str, ConditionTable]] = defaultdict(dict)
    for one in board.tables:
        if any(row.value(CONCEPT_IOU) is not None for row in one.methods):
            condition = one.condition.without_judge
            place = (condition.board, condition.target, *condition.heading)
            found[place].setdefault(condition.layer, one)
    parts = []
    for (_, target, *heading), layers in found.items():
        parts.append(f"### {escape(target)}: {escape(' × '.join(heading))}")
        parts += _tables(sorted(layers.values(), key=_mean_iou, reverse=True))
    return ["## Sets of concepts", _INTRODUCTION, *parts] if parts else []


def _mean_iou(one: ConditionTable) -> float:
    return mean(v for row in one.methods if (v := row.value(CONCEPT_IOU)) is not None)


def _tables(layers: Sequence[ConditionTable]) -> list[str]:
    """Return a table for all units, one for each kind of them, and one of false labels."""
    names = {name for one in layers for row in one.methods for name in row.scores}
    groups = (group for metric, group in map(split_group, names) if metric == EXACT_CONCEPTS)
    kinds = sorted(set(groups) - {"", REACHABLE})
    parts = []
    for kind, group in (("all units", ""), *((kind, f"[{kind}]") for kind in kinds)):
        columns = (("exact", EXACT_CONCEPTS + group), ("IoU", CONCEPT_IOU + group))
        parts.append(_table(kind, layers, columns))
    if FALSE_LABELS in names:
        columns = (("false labels", FALSE_LABELS), ("AUROC", CONCEPT_AUROC))
        parts.append(_table("no concept", layers, columns))
    return parts


def _table(kind: str, layers: Sequence[ConditionTable], columns: Sequence[tuple[str, str]]) -> str:
    """Return a table of methods, best first, by columns (title and score's name) and layers.

    Args:
        kind: The units; stands in the corner.
        layers: Tables of the layers.
        columns: Title and name of each score; the first decides the order of the methods.
    """
    rows: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for one in layers:
        for row in one.methods:
            rows[row.label][one.condition.layer] = row
    first = columns[0][1]
    goodness = {
        label: mean(row.goodness(first) for row in own.values()) for label, own in rows.items()
    }
    places = [(name, one.condition.layer) for _, name in columns for one in layers]
    header = [escape(f"{title}, {one.condition.layer}") for title, _ in columns for one in layers]
    cells = [
        [escape(label), *(_number(rows[label].get(layer), name) for name, layer in places)]
        for label in sorted(rows, key=lambda label: (-goodness[label], label))
    ]
    return table([escape(kind), *header], cells)


def _number(row: Row | None, name: str) -> str:
    return escape(show(row.value(name) if row else None, "fraction"))
