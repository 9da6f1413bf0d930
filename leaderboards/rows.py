"""One row of a table: a method or a control, with its scores and the record behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from leaderboards.comma_joined import WHOLE, comma_joined_share
from leaderboards.scores import CONTROLS, ScoreSet
from metrics.catalog import FALSE_LABELS, WITHOUT_CONCEPT, metric_of, split_group
from metrics.reach import REACHABLE, is_reachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from leaderboards.cells import Cell
    from leaderboards.record import Record
    from metrics.scores import Score

_GIVEN = dict.fromkeys(CONTROLS, "truth") | {"chance": "none"}


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        label: The method and the settings that tell it apart, or the control's name.
        is_method: False for a control, also for a method on a control network.
        scores: Score by name.
        record: The record behind it; for a control, the one whose file it was read from.
        note: What a reader should know of a control: its word, or whose labels were shuffled.
        score_set: The scores file of a method on a network; None for other controls.
        cell: The cell of a method on a network; None for other controls.
        units: The table of units that a method's scores are over; None where there is none.
    """

    label: str
    is_method: bool
    scores: Mapping[str, Score]
    record: Record
    note: str = ""
    score_set: ScoreSet | None = None
    cell: Cell | None = field(default=None, compare=False, repr=False)
    units: pd.DataFrame | None = field(default=None, compare=False, repr=False)

    @property
    def is_control_network(self) -> bool:
        """Whether it is a method on a network with random weights or a rotated layer."""
        return not self.is_method and self.cell is not None

    @property
    def comma_joined(self) -> float:
        """The share of a method's labels that are comma-joined true names."""
        if self.cell is None or self.score_set is None or self.value(WHOLE) is None:
            return 0.0
        units = self.cell.units.get(self.score_set.skey)
        return 0.0 if units is None else comma_joined_share(units)

    @property
    def given(self) -> str:
        """What the row was given besides images."""
        own = str(self.record.method.get("given", "?"))
        return own if self.cell is not None or self.is_method else _GIVEN[self.label]

    @property
    def from_set(self) -> bool:
        """Whether the labels were chosen from a set, of concepts or of mask labels."""
        own = self.record.method.get("vocabulary", "concept set")
        return own in ("concept set", "mask labels")

    @property
    def vocabulary(self) -> str:
        """Where the row's words come from."""
        own = str(self.record.method.get("vocabulary", "?"))
        if not self.is_method and self.record.is_imported:
            return "labels in use"
        own_words = self.is_method or self.is_control_network or self.record.has_free_text
        return own if own_words else "concept set"

    @property
    def origin(self) -> str:
        """Where the row's labels come from."""
        return self.record.origin if self.is_method else "control"

    @property
    def verified(self) -> float | None:
        """The share of imported labels that a run here gives too; None if not compared."""
        found = self.cell.verification if self.cell else None
        return found.share if found else None

    @property
    def mark(self) -> str:
        """Where the labels come from, and whether a run here verified them, for a reader."""
        found = self.cell.verification if self.cell else None
        return f"{self.origin}, verified" if found and found.is_verified else self.origin

    def value(self, name: str) -> float | None:
        """Return the value of a score; None where the row has none."""
        score = self.scores.get(name)
        return None if score is None else score.value

    def unit_values(self, name: str) -> pd.Series | None:
        """Return what a score averages, by unit; None where it is no mean over units."""
        base, group = split_group(name)
        metric = metric_of(base)
        units = self.units
        if name == FALSE_LABELS and units is not None and WITHOUT_CONCEPT in units:
            own = units[(units[WITHOUT_CONCEPT] == 1) & (units["dead"].astype(str) != "True")]
            return (own.set_index("unit")["label"] != "").astype(float)
        part = "reach" if group == REACHABLE else "group"
        needed = {metric.column, "dead", *([part] if group else [])}
        if units is None or metric.average == "median" or not needed <= set(units.columns):
            return None
        scored = self._is_scored
        if group:
            scored = scored & (
                is_reachable(units[part]) if group == REACHABLE else (units[part] == group)
            )
        values, numbers = units[metric.column].to_numpy(), units["unit"].to_numpy()
        return pd.Series(values[scored], index=numbers[scored])

    @cached_property
    def _is_scored(self) -> NDArray[np.bool_]:
        """Whether each unit in the table lives and has a true name."""
        assert self.units is not None
        live = self.units["dead"].astype(str) != "True"
        return (live & (self.units["truth"] != "")).to_numpy()

    def goodness(self, name: str) -> float:
        """Return a score turned so that more is better; -inf where the row has none."""
        score = self.scores.get(name)
        return float("-inf") if score is None else score.goodness
