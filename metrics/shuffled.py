"""The `shuffled` control: the method's own labels distributed at random over the units."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from metrics.catalog import AVERAGES
from metrics.context import RANK_COLUMNS, ControlContext, null, silence
from metrics.ranks import cross_ranks
from metrics.scores import Score

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from metrics.credit import Floats


def shuffled(context: ControlContext, own: Mapping[str, Score]) -> dict[str, Score]:
    """Return the exact mean score over permutations of a method's labels among the units.

    A unit that receives no label scores like a unit without a label.

    Args:
        context: The scored units.
        own: The method's own scores; permutations leave the variety of labels unchanged.
    """
    found = {}
    order = list(context.subsets)
    ranks = _shuffled_ranks(context)
    for item in context.metric_slices():
        metric = AVERAGES[item.metric]
        mask = context.in_subset(item)
        n = int(mask.sum())
        credit = context.credits.get(metric.column)
        value: float | None = None
        reason = context.reasons.get(metric.column, "no unit of this part has a value")
        if metric.average == "median":
            reason = "the expected median over permutations has no closed form"
        elif not n:
            reason = "no unit of this part has a value"
        elif metric.column in RANK_COLUMNS and ranks is not None:
            value = ranks[metric.column](mask)
        elif metric.column == "accuracy_at_5":
            value = _shuffled_hits(context, mask)
        elif credit is not None:
            named = context.labels[mask & (context.labels >= 0)]
            silent = silence(metric.column, credit)[mask]
            means = credit.column_sum[order.index(item.subset), named] / n
            value = float((np.sort(means).sum() + (n - named.size) * silent.mean()) / n)
        found[item.name] = (
            null(item, reason)
            if value is None
            else Score(value, n=n, higher_is_better=metric.higher_is_better)
        )
    return found | {
        "auroc": Score(None, reason="shuffled labels have no score for the unit they land on"),
        "distinct_labels": own["distinct_labels"],
        "top_label_share": own["top_label_share"],
    }


def _shuffled_hits(context: ControlContext, mask: NDArray[np.bool_]) -> float:
    """Return the fraction of pairs (one unit's top five, another's true name) that match."""
    rows: list[int] = np.flatnonzero(mask).tolist()
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        for concept in context.true[row].tolist():
            holders[concept].append(row)
    hits = 0
    for row in rows:
        hits += len({holder for c in context.top[row].tolist() for holder in holders[c]})
    return hits / len(rows) ** 2


def _shuffled_ranks(
    context: ControlContext,
) -> dict[str, Callable[[NDArray[np.bool_]], float]] | None:
    """Return functions from a subset of units to the mean over pairs of score row and truth."""
    if context.scores is None or not context.has_set:
        return None
    inside = np.flatnonzero(context.n_true > 0)
    worst = float(len(context.concepts))
    true = [context.true[row] for row in inside.tolist()]
    table = np.full((inside.size, inside.size), worst)
    for number, ranks in enumerate(cross_ranks(context.scores[inside], true)):
        if context.labels[inside[number]] >= 0:
            table[number] = ranks

    def mean_of(values: Floats) -> Callable[[NDArray[np.bool_]], float]:
        def mean(mask: NDArray[np.bool_]) -> float:
            chosen = np.flatnonzero(mask[inside])
            return float(np.sort(values[np.ix_(chosen, chosen)], axis=None).mean())

        return mean

    return {"truth_rank": mean_of(table), "reciprocal_rank": mean_of(1 / table)}
