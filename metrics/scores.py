"""The result of scoring: one `Score` per name, and the table of units behind them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


@dataclass(frozen=True)
class Score:
    """One score of a layer's labels, with its interval and context.

    Attributes:
        value: The score; None where there is none, for a `reason`.
        ci_low: Lower end of the 95 % interval over units; None where there is none.
        ci_high: Upper end.
        n: Units that the value is over; of decisions, images.
        n_unlabelled: How many of them the method left without a label; of decisions, images whose
            top unit has no label.
        chance: What uniformly random concepts are expected to score over the same units.
        ceiling: What the best concept of the set would score over the same units.
        higher_is_better: Direction.
        reason: Why the value, or its interval, is missing.
        circular: The scorer shares its text tower with the encoder that made the labels.
        p_shuffled: Probability that the same labels, assigned to units at random, score at least as
            well (`metrics.permutation`); None where it is not tested.
        detail: Further facts, such as the concept that the `constant` control names.
    """

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int = 0
    n_unlabelled: int = 0
    chance: float | None = None
    ceiling: float | None = None
    higher_is_better: bool = True
    reason: str | None = None
    circular: bool = False
    p_shuffled: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def goodness(self) -> float:
        """The value turned so that more is better; -inf where there is none."""
        if self.value is None:
            return float("-inf")
        return self.value if self.higher_is_better else -self.value

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; omit optional ones that are empty."""
        data: dict[str, Any] = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        data["detail"] = dict(self.detail)
        for name in ("reason", "circular", "p_shuffled", "detail"):
            if not data[name]:
                del data[name]
        return data

    def to_short_json(self) -> dict[str, Any]:
        """Return plain JSON values without unknown ones, of which a control has many."""
        data = self.to_json()
        return {name: data[name] for name in data if name == "value" or data[name] is not None}


@dataclass(frozen=True)
class ScoringResult:
    """Scores of one method's labels of a layer, by one truth, judge and label rule.

    Attributes:
        values: Scores by name.
        controls: Scores by name of each control: "chance", "constant", "shuffled", "oracle", and
            for sentences "listed".
        units: The table of units (`metrics.units`). All `values` can be computed from it again,
            except those from references (`bleu`, `bertscore_f1`) and those of decisions.
    """

    values: Mapping[str, Score]
    controls: Mapping[str, Mapping[str, Score]]
    units: pd.DataFrame

    def to_json(self) -> dict[str, Any]:
        """Return values and controls as plain JSON values; the table is a file of its own."""
        return {
            "values": {name: score.to_json() for name, score in self.values.items()},
            "controls": {
                control: {name: score.to_short_json() for name, score in scores.items()}
                for control, scores in self.controls.items()
            },
        }
