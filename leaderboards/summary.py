"""The headline tables: one per target and metric, methods by conditions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboards.columns import HEADLINES, split_group
from leaderboards.intervals import Entry, Verdict, judge
from leaderboards.scores import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leaderboards.naming import Condition
    from leaderboards.sheets import Sheet


@dataclass(frozen=True)
class Column:
    """One condition in a summary: its entries by row label, and what they support."""

    condition: Condition
    entries: Mapping[str, Entry]
    verdict: Verdict
    circular: bool


@dataclass(frozen=True)
class Summary:
    """One metric of one target over all its conditions.

    Attributes:
        place: Board, target and layer.
        metric: The score's name; `name[group]` for a part of the truth.
        methods: Row labels of the methods, best first.
        controls: Row labels of the controls.
        columns: One per condition.
    """

    place: tuple[str, str, str]
    metric: str
    methods: tuple[str, ...]
    controls: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def rows(self) -> tuple[str, ...]:
        """All row labels, methods first."""
        return self.methods + self.controls


def build_summaries(sheets: Sequence[Sheet]) -> list[Summary]:
    """Make each target's headline tables; metrics without a single value are left out."""
    places: dict[tuple[str, str, str], list[Sheet]] = defaultdict(list)
    for sheet in sheets:
        places[sheet.condition.place].append(sheet)
    summaries = []
    for place in sorted(places):
        own = places[place]
        order: tuple[str, ...] | None = None
        for metric in _metrics(own):
            columns = [_column(sheet, metric) for sheet in own]
            if not any(column.verdict.valued for column in columns):
                continue
            # Every table of a target lists its methods in the order of the first, so that a row
            # can be followed down the page.
            order = order or _order(columns)
            present = {row.label for sheet in own for row in sheet.rows if not row.is_method}
            controls = tuple(name for name in CONTROLS if name in present)
            summaries.append(Summary(place, metric, order, controls, tuple(columns)))
    return summaries


def _metrics(sheets: Sequence[Sheet]) -> list[str]:
    """The headline metrics, the first followed by its groups ("seen" before "unseen")."""
    names = {name for sheet in sheets for row in sheet.methods for name in row.scores}
    metrics = []
    for headline in HEADLINES:
        metrics.append(headline)
        if headline == HEADLINES[0]:
            metrics += sorted(n for n in names if n != headline and split_group(n)[0] == headline)
    return metrics


def _column(sheet: Sheet, metric: str) -> Column:
    entries = sheet.entries(metric)
    base = metric.partition(" (")[0]
    scores = [row.scores[base] for row in sheet.methods if base in row.scores]
    circular = any(score.circular for score in scores)
    return Column(
        sheet.condition, {entry.label: entry for entry in entries}, judge(entries), circular
    )


def _order(columns: Sequence[Column]) -> tuple[str, ...]:
    """Methods by their mean over the columns that all of them have and that rank anybody."""
    labels = sorted(
        {entry.label for c in columns for entry in c.entries.values() if entry.is_method}
    )
    shared = [c for c in columns if all(_value(c, label) is not None for label in labels)]
    telling = [c for c in shared if not c.verdict.saturated] or shared or list(columns)

    def mean(label: str) -> float:
        values = [value for c in telling if (value := _value(c, label)) is not None]
        return sum(values) / len(values) if values else float("-inf")

    return tuple(sorted(labels, key=lambda label: (-mean(label), label)))


def _value(column: Column, label: str) -> float | None:
    entry = column.entries.get(label)
    return None if entry is None else entry.value
