"""One condition's table: the methods, best first, then the controls."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from leaderboards.controls import choose_controls, shuffled_control
from leaderboards.development import SPLIT, score_outside_development, tuned_on
from leaderboards.reading import READING
from leaderboards.rows import Row
from leaderboards.scores import CONTROLS
from leaderboards.verdicts import Estimate, Verdict, compare
from metrics.catalog import HEADLINES
from metrics.scale import ScaledScore, scale_score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leaderboards.conditions import Condition
    from leaderboards.naming import NamedCell
    from metrics.scores import Score


@dataclass(frozen=True)
class ConditionTable:
    """All rows of one condition.

    Attributes:
        condition: What they have in common.
        headline: The score that they are sorted by; empty where no method has one.
        rows: Methods, best first, then the controls from the ceiling down, then methods on control
            networks.
        shuffled: The shuffled control of every method, by the method's label.
        notes: What a reader should know of this table.
        tuned: Labels of methods that were tuned on development units; all methods are then scored
            on the other units.
        draws: The tables of further draws of the probe set (`leaderboards.draws`).
    """

    condition: Condition
    headline: str
    rows: tuple[Row, ...]
    shuffled: Mapping[str, Row] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tuned: tuple[str, ...] = ()
    draws: tuple[ConditionTable, ...] = ()

    @property
    def methods(self) -> tuple[Row, ...]:
        """The rows of methods."""
        return tuple(row for row in self.rows if row.is_method)

    def control(self, name: str) -> Row | None:
        """Return the row of a control, if it was computed."""
        return next((row for row in self.rows if not row.is_method and row.label == name), None)

    def estimates(self, name: str) -> list[Estimate]:
        """Return one score of every row."""
        return [_estimate(row, name) for row in self.rows]

    def verdict(self, name: str) -> Verdict:
        """Return what one score of all rows supports; compute it once."""
        if name not in self._verdicts:
            self._verdicts[name] = self._verdict(name)
        return self._verdicts[name]

    @cached_property
    def _verdicts(self) -> dict[str, Verdict]:
        return {}

    def _verdict(self, name: str) -> Verdict:
        found = {row.label: row.unit_values(name) for row in self.methods}
        columns = {label: values for label, values in found.items() if values is not None}
        # One order of units for all methods; a unit that a method lacks is NaN.
        units = pd.DataFrame(columns)
        estimates = self.estimates(name)
        if self.tuned:  # the oracle of all units is no limit of a part of them
            estimates = [one for one in estimates if one.is_method or one.label != "oracle"]
        return compare(estimates, {label: units[label].to_numpy(float) for label in columns})

    def scaled(self, row: Row, name: str) -> ScaledScore:
        """Return a score of a row on the scale from its floor to its ceiling.

        The floor is the better of `constant` and of the row's own labels in random order, the
        ceiling is `oracle`. Of labels from a concept set, `shuffled` is never above `constant`, so
        that all rows have one floor.
        """
        score = row.scores.get(name)
        if score is None:
            return ScaledScore(reason="not computed")
        own = self.shuffled.get(row.label) if row.is_method else self.control("shuffled")
        floors = [one.scores.get(name) for one in (self.control("constant"), own) if one]
        oracle = self.control("oracle")
        return scale_score(score, floors, oracle.scores.get(name) if oracle else None)

    @property
    def reach(self) -> Score | None:
        """How many true names the concept set holds; None where it is not known."""
        found = (row.scores.get("reach") for row in self.methods)
        return next((score for score in found if score and score.value is not None), None)


def _estimate(row: Row, name: str) -> Estimate:
    score = row.scores.get(name)
    if score is None:
        return Estimate(row.label, row.is_method, None, reason="not computed")
    return Estimate(
        row.label,
        row.is_method,
        score.value,
        score.ci_low,
        score.ci_high,
        score.higher_is_better,
        score.n,
        score.reason or "",
        score.p_shuffled,
    )


def build_tables(cells: Iterable[NamedCell]) -> list[ConditionTable]:
    """Group scored cells by condition, sort the rows and add the controls.

    Args:
        cells: Sorted by board and key (`leaderboards.naming.name_cells`).

    Returns:
        One table per condition, in the order in which a page shows them.
    """
    members: dict[Condition, list[Row]] = defaultdict(list)
    for named in cells:
        cell = named.cell
        for condition, scores in named.scored if cell.record.status == "ok" else ():
            units, is_method = cell.units.get(scores.skey), not cell.record.target.get("control")
            row = Row(named.row, is_method, scores.scores, cell.record, "", scores, cell, units)
            members[condition].append(row)
    return [_build_table(key, members[key]) for key in sorted(members, key=lambda key: key.order)]


def _build_table(condition: Condition, members: Sequence[Row]) -> ConditionTable:
    values = {name for row in members for name in row.scores if row.value(name) is not None}
    headline = next((name for name in HEADLINES if name in values), "")
    tuned = tuple(sorted(row.label for row in members if tuned_on(row.record)))
    if tuned:
        members = [score_outside_development(row) for row in members]
        condition = replace(condition, split=SPLIT)
    networks = sorted((row for row in members if not row.is_method), key=lambda row: row.label)
    members = [row for row in members if row.is_method]
    methods = sorted(members, key=lambda row: (-row.goodness(headline), row.label))
    # A concept set's controls hold for all rows; free text has none, so the best method's do.
    place = {row.label: number for number, row in enumerate(methods, start=1)}
    sources = sorted(members, key=lambda row: 0 if row.from_set else place[row.label])
    controls, notes = choose_controls(sources)
    shuffled = {row.label: control for row in methods if (control := shuffled_control(row))}
    if shuffled:
        controls["shuffled"] = next(iter(shuffled.values()))
    rows = [*methods, *(controls[name] for name in CONTROLS if name in controls), *networks]
    notes += _note_outdated(sources)
    return ConditionTable(condition, headline, tuple(rows), shuffled, notes, tuned)


def _note_outdated(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return a note for each method whose labels an older release read than another method's."""
    pairs = [(row, row.score_set) for row in rows if row.score_set is not None]
    again = {row.vocabulary for row, scores in pairs if READING in scores.scoring}
    return tuple(
        f"{row.label} was scored by an older release, which read {row.vocabulary} otherwise; "
        "`dissectbench score RECORD` scores it again."
        for row, scores in pairs
        if READING not in scores.scoring and row.vocabulary in again
    )
