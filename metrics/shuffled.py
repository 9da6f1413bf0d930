"""The `shuffled` control: the method's own labels dealt out at random among the units."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from metrics.catalog import AVERAGES
from metrics.ranks import cross_ranks
from metrics.scores import Score
from metrics.setting import RANK_COLUMNS, Setting, null, silence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from metrics.credit import Floats


def shuffled(setting: Setting, own: Mapping[str, Score]) -> dict[str, Score]:
    """The method's own labels permuted among the units of each part, exact mean.

    A unit that is dealt no label scores as an unlabelled one does.

    Args:
        setting: What to look at.
        own: The method's own scores: permuting leaves the variety of labels as it is.
    """
    found = {}
    order = list(setting.parts)
    ranks = _shuffled_ranks(setting)
    for cut in setting.cuts():
        metric = AVERAGES[cut.metric]
        mask = setting.in_part(cut)
        n = int(mask.sum())
        credit = setting.credits.get(metric.column)
        value: float | None = None
        reason = setting.reasons.get(metric.column, "no unit of this part has a value")
        if metric.average == "median":
            reason = "the expected median over permutations has no closed form"
        elif not n:
            reason = "no unit of this part has a value"
        elif metric.column in RANK_COLUMNS and ranks is not None:
            value = ranks[metric.column](mask)
        elif metric.column == "accuracy_at_5":
            value = _shuffled_hits(setting, mask)
        elif credit is not None:
            named = setting.labels[mask & (setting.labels >= 0)]
            silent = silence(metric.column, credit)[mask]
            means = credit.column_sum[order.index(cut.part), named] / n
            value = float((np.sort(means).sum() + (n - named.size) * silent.mean()) / n)
        found[cut.name] = (
            null(cut, reason)
            if value is None
            else Score(value, n=n, higher_is_better=metric.higher_is_better)
        )
    return found | {
        "auroc": Score(None, reason="shuffled labels have no score for the unit they land on"),
        "distinct_labels": own["distinct_labels"],
        "top_label_share": own["top_label_share"],
    }


def _shuffled_hits(setting: Setting, mask: NDArray[np.bool_]) -> float:
    """Share of the pairs (one unit's top five, another's truth) that hit."""
    rows: list[int] = np.flatnonzero(mask).tolist()
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        for concept in setting.true[row].tolist():
            holders[concept].append(row)
    hits = 0
    for row in rows:
        hits += len({holder for c in setting.top[row].tolist() for holder in holders[c]})
    return hits / len(rows) ** 2


def _shuffled_ranks(
    setting: Setting,
) -> dict[str, Callable[[NDArray[np.bool_]], float]] | None:
    """Means over all pairs of a score row with a truth, for a given part of the units."""
    if setting.scores is None or not setting.has_set:
        return None
    inside = np.flatnonzero(setting.n_true > 0)
    worst = float(len(setting.concepts))
    true = [setting.true[row] for row in inside.tolist()]
    table = np.full((inside.size, inside.size), worst)
    for number, ranks in enumerate(cross_ranks(setting.scores[inside], true)):
        if setting.labels[inside[number]] >= 0:
            table[number] = ranks

    def mean_of(values: Floats) -> Callable[[NDArray[np.bool_]], float]:
        def mean(mask: NDArray[np.bool_]) -> float:
            chosen = np.flatnonzero(mask[inside])
            return float(np.sort(values[np.ix_(chosen, chosen)], axis=None).mean())

        return mean

    return {"truth_rank": mean_of(table), "reciprocal_rank": mean_of(1 / table)}
