"""Controls: scores that a method's scores have to be compared with.

- chance: a uniformly random concept (or ordering of the set) for every unit, as an exact
  expectation and as one seeded draw;
- constant: the single concept with the best mean score, for every unit;
- shuffled: the method's own labels distributed at random over the units, exact mean over all
  permutations (the mean over all pairs of one unit's labels with another's truth);
- oracle: the best label that the set holds, for each metric and unit.

Free text has no concept set. Its constant is the best of the labels in use; its oracle puts the
true name into the method's own sentences (`metrics.control_sentences`); chance has a value for
`nearest_name` only; and a fifth control, listed, names all true names in one label.

Controls are not methods: they know the truth, or a method's labels.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from metrics.aggregate import average
from metrics.catalog import AVERAGES
from metrics.chance import expected_median, first_true
from metrics.context import RANK_COLUMNS, ControlContext, null
from metrics.scores import Score

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metrics.aggregate import MetricSlice
    from metrics.control_sentences import ControlSentences
    from metrics.credit import Credit, Floats, Indices

_NO_SET = "free text: there is no concept set to draw from"
_NO_SENTENCE = "the labels have no form that the truth could be put into"
_NO_LABEL = "no unit has a label"
_NO_RANKING = "a single concept is no ranking"
_NO_SCORES = "the control gives no score of its own that could predict anything"


def _over(
    context: ControlContext, columns: Mapping[str, Floats | str], intervals: bool
) -> dict[str, Score]:
    """Average per-unit values of a control for every slice; a text is the reason for none."""
    found = {}
    for item in context.metric_slices():
        metric = AVERAGES[item.metric]
        values = columns[metric.column]
        mask = context.in_subset(item)
        if isinstance(values, str):
            found[item.name] = null(item, values)
        elif not mask.any():
            found[item.name] = null(item, "no unit of this part has a value")
        else:
            score = average(metric, values[mask], seed=context.seed, reason="")
            if not intervals or score.ci_low is None:
                score = replace(score, ci_low=None, ci_high=None, reason=None)
            found[item.name] = replace(score, detail={})
    return found


def _columns(
    context: ControlContext,
    of: Callable[[Credit], Floats],
    credits: Mapping[str, Credit] | None = None,
) -> dict[str, Floats | str]:
    """Return per-unit values of columns with a table of credits; a reason for the others."""
    found: dict[str, Floats | str] = {}
    for column in dict.fromkeys(metric.column for metric in AVERAGES.values()):
        credit = (context.credits if credits is None else credits).get(column)
        reason = context.reasons.get(column, _NO_RANKING)
        found[column] = of(credit) if credit is not None else reason
    return found


def chance(context: ControlContext) -> dict[str, Score]:
    """Return the scores of a uniformly random ordering of the concept set for every unit."""
    if not context.has_set:
        return _chance_without_set(context) | _no_others(_NO_SET)
    size = len(context.concepts)
    columns = _columns(context, lambda credit: credit.row_mean)
    first = [first_true(size, m) for m in context.n_true.tolist()]
    columns["accuracy_at_5"] = np.array([law.within(5) for law in first])
    columns["truth_rank"] = np.array([law.mean for law in first])
    columns["reciprocal_rank"] = np.array([law.mean_reciprocal for law in first])
    drawn, labels = _draw(context)
    draws = _over(context, drawn, intervals=False)
    found = _over(context, columns, intervals=False)
    for item in context.metric_slices():
        score = found[item.name]
        counts = context.n_true[context.in_subset(item)]
        if AVERAGES[item.metric].average == "median" and counts.size:
            score = replace(score, value=expected_median(size, counts))
        found[item.name] = replace(score, detail={"draw": draws[item.name].value})
    n = len(context.live)
    _, repeats = np.unique(labels, return_counts=True)
    # Each concept is missing from n draws with probability (1 - 1 / C) ** n.
    distinct = size * (1 - (1 - 1 / size) ** n)
    share = float(repeats.max() / n) if n else None
    n_scored = len(context.units)
    others = {
        "auroc": Score(0.5, n=n_scored) if n_scored else Score(None, reason="no unit is scored"),
        "distinct_labels": Score(distinct, n=n, detail={"draw": float(len(repeats))}),
        "top_label_share": Score(
            None,
            higher_is_better=False,
            reason="no closed form; see the draw",
            detail={"draw": share},
        ),
    }
    return found | others


def _chance_without_set(context: ControlContext) -> dict[str, Score]:
    """Return chance for free text: a random sentence is undefined, a random true name is not."""
    columns: dict[str, Floats | str] = {metric.column: _NO_SET for metric in AVERAGES.values()}
    columns["nearest_name"] = context.reasons.get("nearest_name", _NO_SET)
    if "nearest_name" in context.credits:
        columns["nearest_name"] = np.full(len(context.units), 1 / context.n_names)
    return _over(context, columns, intervals=False)


def _draw(context: ControlContext) -> tuple[dict[str, Floats | str], Indices]:
    """Draw one random ordering per live unit, from the seed and the unit's number.

    Returns:
        Per-unit values of the scored units by column, and the first concept of every live unit.
    """
    size, n = len(context.concepts), len(context.units)
    row_of = {unit: row for row, unit in enumerate(context.units.tolist())}
    labels = np.zeros(len(context.live), dtype=np.int64)
    first = np.zeros(n, dtype=np.int64)
    rank = np.full(n, np.nan)
    for number, unit in enumerate(context.live.tolist()):
        row = row_of.get(unit)
        true = () if row is None else tuple(context.true[row].tolist())
        labels[number], best = _draw_one(context.seed, unit, size, true)
        if row is not None:
            first[row], rank[row] = labels[number], best
    columns = _columns(context, lambda credit: credit.own(first, np.zeros(n)))
    columns["accuracy_at_5"] = (rank <= 5).astype(np.float64)
    columns["truth_rank"], columns["reciprocal_rank"] = rank, 1 / rank
    return columns, labels


@lru_cache(maxsize=1 << 15)
def _draw_one(seed: int, unit: int, size: int, true: tuple[int, ...]) -> tuple[int, float]:
    """Return the first concept of a unit's random ordering, and the best rank of a true one."""
    order = np.random.default_rng([seed, unit]).permutation(size)
    place = np.empty(size, dtype=np.int64)
    place[order] = np.arange(1, size + 1)
    return int(order[0]), float(place[list(true)].min()) if true else np.nan


def constant(context: ControlContext) -> dict[str, Score]:
    """Return the scores of the single concept with the best mean; ties go to the lowest index.

    The concept is chosen by the truth, for each slice anew, which makes the floor a strong one. For
    free text it is one of the labels in use.
    """
    if not context.concepts:
        return _no_values(context, _NO_LABEL)
    order = list(context.subsets)

    def best(item: MetricSlice, credit: Credit) -> tuple[int, str]:
        index = int(credit.column_sum[order.index(item.subset)].argmax())
        return index, context.concepts[index]

    return _one_label(context, context.credits, best)


def listed(context: ControlContext) -> dict[str, Score]:
    """Return the scores of one label that lists all true names, for every unit."""
    assert context.sentences is not None
    return _one_label(context, context.sentences.credits, lambda *_: (0, "all true names"))


def _one_label(
    context: ControlContext,
    credits: Mapping[str, Credit],
    choose: Callable[[MetricSlice, Credit], tuple[int, str]],
) -> dict[str, Score]:
    """Return the scores of one label for every unit."""
    found = {}
    for item in context.metric_slices():
        column = AVERAGES[item.metric].column
        # With one label in the list, the top five hold what the top one holds.
        credit = credits.get("accuracy_at_1" if column == "accuracy_at_5" else column)
        mask = context.in_subset(item)
        if column in RANK_COLUMNS:
            found[item.name] = null(item, _NO_RANKING)
        elif credit is None:
            found[item.name] = null(item, context.reasons[column])
        elif not mask.any():
            found[item.name] = null(item, "no unit of this part has a value")
        else:
            index, name = choose(item, credit)
            values = credit.column(index)[mask]
            score = average(AVERAGES[item.metric], values, seed=context.seed, reason="")
            found[item.name] = replace(score, reason=None, detail={"concept": name})
    n = len(context.live)
    share = Score(1.0, n=n) if n else Score(None, reason="every unit is dead")
    return found | {
        "auroc": Score(None, reason=_NO_SCORES),
        "distinct_labels": Score(float(min(n, 1)), n=n),
        "top_label_share": replace(share, higher_is_better=False),
    }


def oracle(context: ControlContext) -> dict[str, Score]:
    """Return the scores of the best label in the set, for each metric and unit.

    For free text the label is the best of the method's own sentences with the true name put in.
    """
    if context.has_set:
        columns = _columns(context, lambda credit: credit.row_best)
        columns["truth_rank"] = columns["reciprocal_rank"] = np.ones(len(context.units))
    elif context.sentences is not None:
        columns = _ceilings(context, context.sentences)
    else:
        return _no_values(context, _NO_SENTENCE)
    columns["accuracy_at_5"] = columns["accuracy_at_1"]
    found = _over(context, columns, intervals=True)
    reason = "the best label differs from metric to metric"
    return found | {
        "auroc": Score(None, reason="the oracle is never wrong where it can be right"),
        "distinct_labels": Score(None, reason=reason),
        "top_label_share": Score(None, higher_is_better=False, reason=reason),
    }


def _ceilings(context: ControlContext, sentences: ControlSentences) -> dict[str, Floats | str]:
    """Return by column the credit of each unit's best sentence that says its true name."""
    counts = np.array([indices.size for indices in sentences.ceilings])
    rows = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum([0, *counts])[:-1]
    texts = np.concatenate(sentences.ceilings)

    def best(credit: Credit) -> Floats:
        return np.asarray(np.maximum.reduceat(credit.table.pairs(rows, texts), starts))

    return _columns(context, best, sentences.credits)


def _no_values(context: ControlContext, reason: str) -> dict[str, Score]:
    return {item.name: null(item, reason) for item in context.metric_slices()} | _no_others(reason)


def _no_others(reason: str) -> dict[str, Score]:
    names = ("auroc", "distinct_labels", "top_label_share")
    return {
        name: Score(None, higher_is_better=name != "top_label_share", reason=reason)
        for name in names
    }
