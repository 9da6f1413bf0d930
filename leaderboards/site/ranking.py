"""The table of a board: one row per method and condition, with a column per headline score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan
from typing import TYPE_CHECKING

from leaderboards.pages.conclusions import conclude
from leaderboards.site.addresses import layer_page, record_page
from leaderboards.site.standings import main_costs
from metrics.catalog import HEADLINES, Format, metric_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leaderboards.board import Board
    from leaderboards.conditions import Condition
    from leaderboards.rows import Row
    from leaderboards.tables import ConditionTable
    from leaderboards.verdicts import Estimate, Verdict


@dataclass(frozen=True)
class Entry:
    """One score of a row, and what its column's comparison says of it.

    Attributes:
        estimate: The value with its interval.
        format: How it is rounded.
        standing: "best", "tied" (not significantly worse), "below", "saturated", "single" (there is
            nothing to compare), or "".
        letters: Methods that share a letter do not differ significantly.
        ranks: The best and the worst rank that the comparisons leave open; None where unknown.
        circular: Whether the judge shares weights with the encoder that made the labels.
    """

    estimate: Estimate
    format: Format
    standing: str = ""
    letters: str = ""
    ranks: tuple[int, int] | None = None
    circular: bool = False


@dataclass(frozen=True)
class RankedRow:
    """A row of a board's table.

    Attributes:
        label: The method, or the control.
        kind: "method" or "control".
        entries: By metric; None where the row has no value.
        given: What it was given besides images.
        cold_s: Time from an empty cache on the main hardware; NaN where unknown.
        per_unit_s: Time of matching one unit there; NaN where unknown.
        page: The page of its record; empty for a control.
    """

    label: str
    kind: str
    entries: Mapping[str, Entry | None]
    given: str
    cold_s: float
    per_unit_s: float
    page: str


@dataclass(frozen=True)
class RankedTable:
    """A condition with its rows.

    Attributes:
        condition: What its rows have in common, without the judge.
        judge: The judge, the first of several; empty where there is one.
        metric: The score that the rows are sorted by; empty where no method has one.
        conclusion: What this score supports, sentences with code spans.
        rows: Methods, best first, then controls.
        units: The page of the layer's units.
    """

    condition: Condition
    judge: str
    metric: str
    conclusion: str
    rows: tuple[RankedRow, ...]
    units: str


def rank_tables(board: Board, name: str) -> list[RankedTable]:
    """Return the conditions of one board; those that only judges tell apart count once."""
    first: dict[Condition, ConditionTable] = {}
    for table in board.tables:
        if table.condition.board == name:
            first.setdefault(table.condition.without_judge, table)
    costs = main_costs(board.costs)
    seconds = zip(costs["cold_total_s"], costs["match_per_unit_s"], strict=True)
    times = dict(zip(costs["key"], seconds, strict=True))
    return [_rank(table, times) for table in first.values()]


def metrics_of(tables: Sequence[RankedTable]) -> list[str]:
    """Return the headline scores of which any row has a value."""
    found = {name for table in tables for row in table.rows for name in row.entries}
    return [name for name in HEADLINES if name in found]


def _rank(table: ConditionTable, times: Mapping[str, tuple[float, float]]) -> RankedTable:
    shown = {
        name: table.verdict(name)
        for name in HEADLINES
        if any(row.value(name) is not None for row in table.methods)
    }
    estimates = {name: table.estimates(name) for name in shown}
    rows = []
    for place, row in enumerate(table.rows):
        cold, per_unit = times.get(row.record.key if row.cell else "", (nan, nan))
        rows.append(
            RankedRow(
                label=row.label,
                kind="method" if row.is_method else "control",
                entries={n: _entry(row, n, estimates[n][place], shown[n]) for n in shown},
                given=row.given,
                cold_s=cold,
                per_unit_s=per_unit,
                page=record_page(row.record) if row.cell else "",
            )
        )
    form = metric_of(table.headline).format
    conclusion = (
        conclude(shown[table.headline], form)
        if table.headline
        else ["No true name of this layer's units is known, so no score ranks the methods."]
    )
    return RankedTable(
        replace(table.condition, judge=""),
        table.condition.judge,
        table.headline,
        " ".join(conclusion),
        tuple(rows),
        layer_page(table.condition),
    )


def _entry(row: Row, name: str, estimate: Estimate, verdict: Verdict) -> Entry | None:
    if estimate.value is None:
        return None
    form = metric_of(name).format
    if not row.is_method:
        return Entry(estimate, form)
    known = verdict.pairs is not None and row.label in verdict.pairs.labels
    standing = (
        "saturated" if verdict.saturated
        else "single" if verdict.is_single
        else "best" if row.label == verdict.best
        else "tied" if row.label in verdict.tied
        else "below" if row.label in verdict.below
        else ""
    )  # fmt: skip
    return Entry(
        estimate,
        form,
        standing,
        verdict.pairs.letters[row.label] if known and verdict.pairs else "",
        verdict.pairs.ranks[row.label] if known and verdict.pairs else None,
        row.scores[name].circular,
    )
