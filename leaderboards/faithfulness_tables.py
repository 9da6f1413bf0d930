"""Faithfulness of the labels of a layer: methods beside each other, and beside control networks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from leaderboards.faithfulness import describe_images, describe_presence
from leaderboards.verdicts import Estimate, compare
from metrics.faithfulness_scores import LIMITS, OF_IMAGES, REPORTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leaderboards.conditions import Condition
    from leaderboards.faithfulness import FaithfulnessSet
    from leaderboards.naming import NamedCell
    from leaderboards.record import Record
    from leaderboards.tables import ConditionTable
    from leaderboards.verdicts import Verdict

SHOWN = ("correlation", "cosine", "auprc", "f1", "iou", *OF_IMAGES)
"""Reported metrics in the order of a page; rows are sorted by the first with values."""
LEAST_METHODS = 3
"""Methods from which two rankings of them are compared."""
_WHERE = ("board", "target", "layer", "probe", "concepts")
_COMPARED = (
    "standing", "letters", "rank_low", "rank_high", "to_best", "to_best_low", "to_best_high",
    "separated", "pairs", "smallest",
)  # fmt: skip
COLUMNS = (
    *_WHERE, "setting", "images", "n_images", "presence", "alpha", "row", "kind", "key", "metric",
    "reported", "value", "ci_low", "ci_high", "n", "n_unlabelled", "unknown", "chance", "ceiling",
    "p_shuffled", "reason", "circular", *_COMPARED, "headline", "tau",
)  # fmt: skip
_INTS = (
    "n_images", "n", "n_unlabelled", "unknown", "rank_low", "rank_high", "separated", "pairs",
)  # fmt: skip


@dataclass(frozen=True)
class FaithfulnessRow:
    """The labels of one record.

    Attributes:
        label: The method and the settings that tell it apart.
        is_method: False on a control network.
        record: The record.
        scores: Its scores.
        units: Table unit, label, and one column per metric.
    """

    label: str
    is_method: bool
    record: Record
    scores: FaithfulnessSet
    units: pd.DataFrame

    def estimate(self, metric: str) -> Estimate:
        """Return one score."""
        score = self.scores.scores.get(metric)
        if score is None:
            return Estimate(self.label, self.is_method, None, reason="not computed")
        return Estimate(
            self.label, self.is_method, score.value, score.ci_low, score.ci_high, n=score.n,
            reason=score.reason or "", p_shuffled=score.p_shuffled,
        )  # fmt: skip


@dataclass(frozen=True)
class FaithfulnessTable:
    """Labels of one layer from one probe set and concept set, compared under one setting.

    Attributes:
        condition: What the labels have in common.
        setting: What they were compared with (`leaderboards.faithfulness.FaithfulnessSet`).
        rows: Methods, best first, then methods on control networks.
        headline: The board's score of these labels by their true names; empty where there is none.
        accuracies: That score by row label.
    """

    condition: Condition
    setting: Mapping[str, Any]
    rows: tuple[FaithfulnessRow, ...]
    headline: str
    accuracies: Mapping[str, float]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The reported metrics that some row has."""
        return tuple(name for name in SHOWN if any(name in row.scores.scores for row in self.rows))

    @cached_property
    def verdicts(self) -> Mapping[str, Verdict]:
        """What each reported metric supports: all pairs of methods compared unit by unit."""
        found = {}
        for name in self.metrics:
            own = {row.label: row.units.set_index("unit") for row in self.rows if row.is_method}
            units = pd.DataFrame({label: own[label][name] for label in own if name in own[label]})
            values = {str(label): units[label].to_numpy(float) for label in units}
            estimates = [row.estimate(name) for row in self.rows]
            found[name] = compare(estimates, values, limited=LIMITS[name] is not None)
        return found

    @cached_property
    def taus(self) -> Mapping[str, float]:
        """Kendall's tau-b of the methods by each reported metric and by the headline.

        Empty for fewer than `LEAST_METHODS` methods with both.
        """
        from scipy.stats import kendalltau

        found = {}
        for name in self.metrics:
            pairs = [
                (row.estimate(name).goodness, self.accuracies[row.label])
                for row in self.rows
                if row.is_method and row.label in self.accuracies
            ]
            pairs = [pair for pair in pairs if pair[0] == pair[0]]
            if len(pairs) >= LEAST_METHODS:
                tau = float(kendalltau(*zip(*pairs, strict=True)).statistic)
                if tau == tau:  # NaN where one score ties all methods
                    found[name] = round(tau, 9)
        return found


def build_faithfulness(
    cells: Iterable[NamedCell], tables: Sequence[ConditionTable]
) -> list[FaithfulnessTable]:
    """Group scores of faithfulness by the condition of the labels and by setting.

    Args:
        cells: Sorted by board and key (`leaderboards.naming.name_cells`).
        tables: Tables of the same cells by their true names.
    """
    groups: dict[tuple[str, str], list[FaithfulnessRow]] = defaultdict(list)
    conditions: dict[str, Condition] = {}
    for named in cells:
        record = named.cell.record
        conditions[named.condition.id] = named.condition
        for scores, units in named.cell.faithfulness:
            is_method = not record.target.get("control")
            row = FaithfulnessRow(named.row, is_method, record, scores, units)
            groups[named.condition.id, scores.fkey].append(row)
    ordered = sorted(groups, key=lambda key: (*conditions[key[0]].order, key[1]))
    return [_build_table(conditions[key[0]], groups[key], tables) for key in ordered]


def _build_table(
    condition: Condition, rows: Sequence[FaithfulnessRow], tables: Sequence[ConditionTable]
) -> FaithfulnessTable:
    first = next((n for n in SHOWN if any(row.scores.scores.get(n) for row in rows)), "")

    def order(row: FaithfulnessRow) -> tuple[object, ...]:
        goodness = row.estimate(first).goodness
        return not row.is_method, -goodness if goodness == goodness else float("inf"), row.label

    headline, accuracies = "", {}
    for table in tables:
        own = table.condition
        if table.headline and all(getattr(own, n) == getattr(condition, n) for n in _WHERE):
            headline = table.headline
            accuracies = {
                row.label: row.goodness(headline)
                for row in table.methods
                if row.value(headline) is not None
            }
            break
    setting = rows[0].scores.setting
    return FaithfulnessTable(
        condition, setting, tuple(sorted(rows, key=order)), headline, accuracies
    )


def faithfulness_frame(tables: Iterable[FaithfulnessTable]) -> pd.DataFrame:
    """Return one row per table, row and metric, with columns `COLUMNS`."""
    rows: list[dict[str, Any]] = []
    for table in tables:
        for row in table.rows:
            for metric, score in row.scores.scores.items():
                rows.append(
                    {name: getattr(table.condition, name) for name in _WHERE}
                    | {
                        "setting": row.scores.fkey,
                        "images": describe_images(table.setting),
                        "n_images": table.setting["probe"]["n"],
                        "presence": describe_presence(table.setting),
                        "alpha": table.setting["alpha"],
                        "row": row.label,
                        "kind": "method" if row.is_method else "control",
                        "key": row.record.key,
                        "metric": metric,
                        "reported": metric in REPORTED,
                        **vars(score),
                        "unknown": score.detail.get("unknown"),
                        "reason": score.reason or "",
                        "circular": row.scores.circular,
                        "headline": table.headline if metric in table.taus else "",
                        "tau": table.taus.get(metric),
                    }
                    | _compared(table, row, metric)
                )
    frame = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    texts = {"standing", "letters", "headline"}
    frame = frame.fillna(dict.fromkeys(texts, ""))
    floats = {
        "alpha", "value", "ci_low", "ci_high", "chance", "ceiling", "p_shuffled", "to_best",
        "to_best_low", "to_best_high", "smallest", "tau",
    }  # fmt: skip
    return frame.astype(dict.fromkeys(floats, "float64") | dict.fromkeys(_INTS, "Int64"))


def _compared(table: FaithfulnessTable, row: FaithfulnessRow, metric: str) -> dict[str, Any]:
    """Return what the verdict on a reported metric says of one method."""
    if metric not in table.metrics or not row.is_method:
        return {}
    verdict = table.verdicts[metric]
    return {"standing": verdict.standing(row.label), **verdict.comparisons(row.label)}
