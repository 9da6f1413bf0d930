"""One condition's table: the methods, best first, then the controls."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from leaderboards.controls import choose_controls, shuffled_control
from leaderboards.reading import READING
from leaderboards.rows import Row
from leaderboards.scores import CONTROLS
from leaderboards.verdicts import Estimate, Verdict, compare
from metrics.catalog import HEADLINES, NORMALISED
from metrics.scores import Score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leaderboards.conditions import Condition
    from leaderboards.naming import NamedCell


_RAW = "sentence_cosine"
"""The score that `NORMALISED` scales."""


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
    """

    condition: Condition
    headline: str
    rows: tuple[Row, ...]
    shuffled: Mapping[str, Row] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[Row, ...]:
        """The rows of methods."""
        return tuple(row for row in self.rows if row.is_method)

    def control(self, name: str) -> Row | None:
        """Return the row of a control, if it was computed."""
        return next((row for row in self.rows if not row.is_method and row.label == name), None)

    def estimates(self, name: str) -> list[Estimate]:
        """Return one score of every row."""
        return [self._estimate(row, name) for row in self.rows]

    def verdict(self, name: str) -> Verdict:
        """Return what one score of all rows supports."""
        raw = _RAW if name == NORMALISED else name
        found = {row.label: row.unit_values(raw) for row in self.methods}
        columns = {label: values for label, values in found.items() if values is not None}
        # One order of units for all methods; a unit that a method lacks is NaN.
        units = pd.DataFrame(columns)
        if name == NORMALISED and (scale := self._scale(raw)):
            units = (units - scale[0]) / (scale[1] - scale[0])
        return compare(
            self.estimates(name), {label: units[label].to_numpy(float) for label in columns}
        )

    def _scale(self, name: str) -> tuple[float, float] | None:
        """Return the values of constant and oracle; None where one is missing."""
        floor, ceiling = (
            row.value(name) if (row := self.control(control)) else None
            for control in ("constant", "oracle")
        )
        return None if floor is None or ceiling is None else (floor, ceiling)

    def _estimate(self, row: Row, name: str) -> Estimate:
        score = self.normalised(row) if name == NORMALISED else row.scores.get(name)
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

    def normalised(self, row: Row) -> Score | None:
        """Return (score - constant) / (oracle - constant); None where one of them is missing."""
        score, ends = row.scores.get(_RAW), self._scale(_RAW)
        if score is None or score.value is None or ends is None:
            return None
        low, span = ends[0], ends[1] - ends[0]
        if span <= 0:
            return Score(None, reason="the oracle is no better than the constant word")

        def scale(value: float | None) -> float | None:
            return None if value is None else (value - low) / span

        return Score(
            value=scale(score.value),
            ci_low=scale(score.ci_low),
            ci_high=scale(score.ci_high),
            n=score.n,
            n_unlabelled=score.n_unlabelled,
            chance=scale(score.chance),
            ceiling=1.0,
            circular=score.circular,
            reason=score.reason,
            p_shuffled=score.p_shuffled,
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
            is_method = not cell.record.target.get("control")
            row = Row(named.row, is_method, scores.scores, cell.record, "", scores, cell)
            members[condition].append(row)
    return [_build_table(key, members[key]) for key in sorted(members, key=lambda key: key.order)]


def _build_table(condition: Condition, members: Sequence[Row]) -> ConditionTable:
    values = {name for row in members for name in row.scores if row.value(name) is not None}
    headline = next((name for name in HEADLINES if name in values), "")
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
    return ConditionTable(condition, headline, tuple(rows), shuffled, notes)


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
