"""The headline tables: one per layer and metric, methods by conditions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from leaderboards.scores import CONTROLS
from metrics.catalog import HEADLINES, metric_of, split_group
from metrics.reach import REACHABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leaderboards.conditions import Condition
    from leaderboards.tables import ConditionTable
    from leaderboards.verdicts import Estimate, Verdict


@dataclass(frozen=True)
class Column:
    """One condition in a summary.

    Attributes:
        condition: As its heading names it.
        estimates: By row label.
        verdict: What the estimates support.
        circular: Whether the judge shares weights with an encoder that made labels.
        table: The condition's own table.
    """

    condition: Condition
    estimates: Mapping[str, Estimate]
    verdict: Verdict
    circular: bool
    table: ConditionTable = field(compare=False, repr=False)

    def value(self, label: str) -> float | None:
        """Return the value of a row; None where it has none."""
        estimate = self.estimates.get(label)
        return None if estimate is None else estimate.value


@dataclass(frozen=True)
class Summary:
    """One metric of one layer over all its conditions.

    Attributes:
        place: Board, target and layer.
        metric: The score's name; `name[group]` for a part of the truth.
        methods: Row labels of the methods, best first.
        controls: Row labels of the controls, control networks last.
        columns: One per condition.
        given: What each method was given besides images, by row label; empty if all were given the
            same.
    """

    place: tuple[str, str, str]
    metric: str
    methods: tuple[str, ...]
    controls: tuple[str, ...]
    columns: tuple[Column, ...]
    given: Mapping[str, str]

    @property
    def rows(self) -> tuple[str, ...]:
        """All row labels, methods first."""
        return self.methods + self.controls

    @property
    def is_circular(self) -> bool:
        """Whether all columns are circular."""
        return all(column.circular for column in self.columns)

    def split(self, most: int) -> list[Summary]:
        """Return summaries of at most so many columns each, and of the rows with a value in them.

        Their sizes are balanced: with room for four columns, six are split into three and three.
        """
        parts = -(-len(self.columns) // most)
        size = -(-len(self.columns) // parts)
        starts = range(0, len(self.columns), size)
        return [self._part(self.columns[start : start + size]) for start in starts]

    def _part(self, columns: tuple[Column, ...]) -> Summary:
        shown = {label for label in self.rows if any(c.value(label) is not None for c in columns)}
        methods = tuple(label for label in self.methods if label in shown)
        controls = tuple(label for label in self.controls if label in shown)
        return replace(self, methods=methods, controls=controls, columns=columns)

    def heading(self, column: Column) -> list[str]:
        """Return the heading of a column; `°` marks a circular one if others are not."""
        *lines, last = column.condition.heading
        return [*lines, last + "°" if column.circular and not self.is_circular else last]


def build_summaries(tables: Sequence[ConditionTable]) -> list[Summary]:
    """Build the headline tables of each layer; leave out metrics without any value."""
    places: dict[tuple[str, str, str], list[ConditionTable]] = defaultdict(list)
    for table in tables:
        places[table.condition.place].append(table)
    summaries = []
    for place in sorted(places):
        own = places[place]
        order: tuple[str, ...] | None = None
        for metric in _metrics(own):
            columns = _columns(own, metric)
            if split_group(metric)[1] == REACHABLE:  # of sets that hold every name there is none
                columns = [column for column in columns if column.verdict.valued]
            if not any(column.verdict.valued for column in columns):
                continue
            # All tables of a layer list methods in the order of the first, so that a reader can
            # follow a row down the page.
            order = order or _order(columns)
            present = {row.label for table in own for row in table.rows if not row.is_method}
            networks = sorted(present.difference(CONTROLS))
            controls = (*(name for name in CONTROLS if name in present), *networks)
            summaries.append(Summary(place, metric, order, controls, tuple(columns), _given(own)))
    return summaries


def _given(tables: Sequence[ConditionTable]) -> dict[str, str]:
    found = {row.label: short_given(row.given) for table in tables for row in table.methods}
    return found if len(set(found.values())) > 1 else {}


def short_given(given: str) -> str:
    """Return the words before the explanation: "captions" of "captions (through its encoder)"."""
    return given.partition(" (")[0]


def _metrics(tables: Sequence[ConditionTable]) -> list[str]:
    """Return the headline metrics, the first followed by its groups ("seen", "unseen")."""
    names = {name for table in tables for row in table.methods for name in row.scores}
    metrics = []
    for headline in HEADLINES:
        metrics.append(headline)
        if headline == HEADLINES[0]:
            metrics += sorted(n for n in names if n != headline and split_group(n)[0] == headline)
    return metrics


def _columns(tables: Sequence[ConditionTable], metric: str) -> list[Column]:
    """Return a column for each table; merge equal columns of a score without a judge."""
    columns = [_column(table, metric) for table in tables]
    if metric_of(metric).judged:
        return columns
    found: list[Column] = []
    for column in columns:
        bare = replace(column, condition=column.condition.without_judge)
        again = (c for c in found if replace(c, condition=c.condition.without_judge) == bare)
        if not next(again, None):
            found.append(column)
    counts = Counter(column.condition.without_judge for column in found)
    return [
        replace(column, condition=replace(column.condition, judge=""))
        if counts[column.condition.without_judge] == 1
        else column
        for column in found
    ]


def _column(table: ConditionTable, metric: str) -> Column:
    estimates = table.estimates(metric)
    scores = [row.scores[metric] for row in table.methods if metric in row.scores]
    circular = any(score.circular for score in scores)
    own = {estimate.label: estimate for estimate in estimates}
    return Column(table.condition, own, table.verdict(metric), circular, table)


def _order(columns: Sequence[Column]) -> tuple[str, ...]:
    """Sort methods by their mean over the unsaturated columns in which all of them have a value.

    Without such a column, take the mean over unsaturated columns, or over all.
    """
    labels = sorted({row.label for c in columns for row in c.estimates.values() if row.is_method})
    shared = [c for c in columns if all(c.value(label) is not None for label in labels)]
    ranking = [c for c in columns if not c.verdict.saturated]
    chosen = [c for c in shared if not c.verdict.saturated] or ranking

    def mean(label: str) -> float:
        for among in (chosen, columns):
            values = [value for c in among if (value := c.value(label)) is not None]
            if values:
                return sum(values) / len(values)
        return float("-inf")

    return tuple(sorted(labels, key=lambda label: (-mean(label), label)))
