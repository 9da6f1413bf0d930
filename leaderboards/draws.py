"""Draws of a probe set: conditions that differ only in which images of one source were drawn.

Such conditions differ in the probe set's `offset` alone and share no image, so the spread of a
score over them shows how much it depends on the images.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from leaderboards.hashing import page_hash

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from leaderboards.conditions import Condition
    from leaderboards.tables import ConditionTable

DRAW_COLUMNS = ("draws", "draw_sd", "draw_min", "draw_max")


def group_draws(tables: Sequence[ConditionTable]) -> list[ConditionTable]:
    """Return the tables of first draws, which hold the others of their probe set as `draws`.

    A table stays on its own if its images overlap with those of another draw, or if it has a method
    that the first draw lacks.
    """
    groups: dict[Hashable, list[tuple[int, ConditionTable]]] = defaultdict(list)
    for table in tables:
        offset, place = _draw(table)
        groups[place].append((offset, table))
    draws: dict[Condition, tuple[ConditionTable, ...]] = {}
    for group in groups.values():
        ordered = sorted(group, key=lambda pair: pair[0])
        (_, first), *others = ordered
        if are_disjoint((offset, table.condition.n_images or 0) for offset, table in ordered):
            labels = {row.label for row in first.methods}
            draws[first.condition] = tuple(
                table for _, table in others if labels >= {row.label for row in table.methods}
            )
    joined = {table.condition for further in draws.values() for table in further}
    return [
        replace(table, draws=draws.get(table.condition, ()))
        for table in tables
        if table.condition not in joined
    ]


def are_disjoint(ranges: Iterable[tuple[int, int]]) -> bool:
    """Return whether ranges of positions, each (start, length), do not overlap."""
    return all(start + length <= later for (start, length), (later, _) in pairwise(sorted(ranges)))


def draw_spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Return the spread of a score over draws.

    Args:
        values: The score in each draw; None where there is none.

    Returns:
        By name in `DRAW_COLUMNS`: number of values, sample standard deviation, least and greatest
        value; empty for fewer than two values.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return {}
    numbers = len(known), statistics.stdev(known), min(known), max(known)
    return dict(zip(DRAW_COLUMNS, numbers, strict=True))


def spread_rows(table: ConditionTable, name: str) -> dict[str, dict[str, Any]]:
    """Return the spread of one score over the draws of a probe set, by row label."""
    draws = [
        {estimate.label: estimate.value for estimate in one.estimates(name)}
        for one in (table, *table.draws)
    ]
    return {label: draw_spread([values.get(label) for values in draws]) for label in draws[0]}


def _draw(table: ConditionTable) -> tuple[int, Hashable]:
    """Return the offset of a condition's images, and what all draws of its probe set share."""
    condition = table.condition
    record = table.rows[0].record  # a method's, or a control network's where there is no method
    params = record.probe.get("params")
    if record.is_imported or not isinstance(params, dict):
        return 0, condition.id
    source = {key: value for key, value in params.items() if key != "offset"}
    place = (
        condition.place,
        (record.probe.get("name"), page_hash(source), condition.n_images),
        (condition.concepts, condition.scoring, condition.judge, condition.split),
    )
    return int(params.get("offset") or 0), place
