"""The condition of a table: what its rows have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Condition:
    """Network, layer, probe set, concept set and scoring of a table, by names for a reader.

    Rows whose parts have other fingerprints belong to another condition.

    Attributes:
        id: Short hash of all names and fingerprints.
        board: Name of the board.
        target: Name of the network.
        layer: Name of the layer.
        probe: Name of the probe set, unique within its layer.
        concepts: Name of the concept set, unique within its layer, and its size.
        scoring: What counts as right (truth, units, rules); empty where the layer has one scoring.
        judge: Models that the cosines come from; empty where the layer has one set of them.
        skey: Key of the scores files. Where releases read labels differently
            (`leaderboards.reading`), the key of one of them.
        n_images: Size of the probe set.
        n_concepts: Size of the concept set; None for labels from no set.
        split: The units that its rows are compared on, such as "outside dev"; empty for all.
    """

    id: str
    board: str
    target: str
    layer: str
    probe: str
    concepts: str
    scoring: str
    judge: str
    skey: str = field(compare=False)
    n_images: int | None
    n_concepts: int | None
    split: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        """Board, target and layer: the summary that this condition is a column of."""
        return self.board, self.target, self.layer

    @property
    def heading(self) -> tuple[str, ...]:
        """The lines of the column's heading in a summary."""
        judge = f"judge {self.judge}" if self.judge else ""
        split = f"units {self.split}" if self.split else ""
        parts = (self.probe, self.concepts, self.scoring, judge, split)
        return tuple(part for part in parts if part)

    @property
    def title(self) -> str:
        """The condition in one line, without its board."""
        return f"{self.target} {self.layer}, {' × '.join(self.heading)}"

    @property
    def without_judge(self) -> Condition:
        """The same condition for scores that no model judges: equal for all judges."""
        return replace(self, id="", judge="", skey="")

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key: target, probe set, size of the concept set (no set comes last)."""
        size = math.inf if self.n_concepts is None else self.n_concepts
        return (*self.place, self.probe, size, self.concepts, self.scoring, self.judge, self.id)
