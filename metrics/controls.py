"""The controls: what a labelling has to be compared with before its scores mean anything.

- chance: a uniformly random concept (or ordering of the set) for every unit, as an exact
  expectation and as one seeded draw;
- constant: the single concept with the best mean score, for every unit;
- shuffled: the method's own labels dealt out at random among the units, exact mean over all
  permutations (the mean over all pairs of one unit's labels with another's truth);
- oracle: the best label that the set holds, for each metric and unit.

Free text has no set. There the constant is the best of the labels in use, the oracle puts the
truth into the method's own sentences (`metrics.written`), chance has a value for `nearest_name`
alone, and a fifth control, listed, says all true names in one label, which must not pay.

None is a method: they know the truth, or another's labels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from metrics.aggregate import average
from metrics.catalog import AVERAGES
from metrics.chance import expected_median, first_true
from metrics.scores import Score
from metrics.setting import RANK_COLUMNS, Setting, null

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metrics.aggregate import Cut
    from metrics.credit import Credit, Floats, Indices
    from metrics.written import Written

_NO_SET = "free text: there is no concept set to draw from"
_NO_SENTENCE = "the labels have no form that the truth could be put into"
_NO_LABEL = "no unit has a label"
_NO_RANKING = "a single concept is no ranking"
_NO_SCORES = "the control gives no score of its own that could predict anything"


def _over(
    setting: Setting, columns: Mapping[str, Floats | str], intervals: bool
) -> dict[str, Score]:
    """Average per-unit values of a control under every name; a string says why there are none."""
    found = {}
    for cut in setting.cuts():
        metric = AVERAGES[cut.metric]
        values = columns[metric.column]
        mask = setting.in_part(cut)
        if isinstance(values, str):
            found[cut.name] = null(cut, values)
        elif not mask.any():
            found[cut.name] = null(cut, "no unit of this part has a value")
        else:
            score = average(metric, values[mask], seed=setting.seed, reason="")
            if not intervals or score.ci_low is None:
                score = replace(score, ci_low=None, ci_high=None, reason=None)
            found[cut.name] = replace(score, detail={})
    return found


def _columns(setting: Setting, of: Callable[[Credit], Floats]) -> dict[str, Floats | str]:
    """Per-unit values of the columns that have a credit table; the reason for the others."""
    found: dict[str, Floats | str] = {}
    for metric in AVERAGES.values():
        credit = setting.credits.get(metric.column)
        reason = setting.reasons.get(metric.column, _NO_RANKING)
        found[metric.column] = of(credit) if credit is not None else reason
    return found


def chance(setting: Setting) -> dict[str, Score]:
    """A uniformly random ordering of the concept set for every unit."""
    if not setting.has_set:
        return _chance_without_set(setting) | _same_for_all(_NO_SET)
    size = len(setting.concepts)
    columns = _columns(setting, lambda credit: credit.row_mean)
    first = [first_true(size, m) for m in setting.n_true.tolist()]
    columns["accuracy_at_5"] = np.array([law.within(5) for law in first])
    columns["truth_rank"] = np.array([law.mean for law in first])
    columns["reciprocal_rank"] = np.array([law.mean_reciprocal for law in first])
    drawn, labels = _draw(setting)
    draws = _over(setting, drawn, intervals=False)
    found = _over(setting, columns, intervals=False)
    for cut in setting.cuts():
        score = found[cut.name]
        counts = setting.n_true[setting.in_part(cut)]
        if AVERAGES[cut.metric].average == "median" and counts.size:
            score = replace(score, value=expected_median(size, counts))
        found[cut.name] = replace(score, detail={"draw": draws[cut.name].value})
    n = len(setting.live)
    _, repeats = np.unique(labels, return_counts=True)
    # Each concept is missing from n draws with probability (1 - 1 / C) ** n.
    distinct = size * (1 - (1 - 1 / size) ** n)
    share = float(repeats.max() / n) if n else None
    others = {
        "auroc": _auroc_of_chance(len(setting.units)),
        "distinct_labels": Score(distinct, n=n, detail={"draw": float(len(repeats))}),
        "top_label_share": Score(
            None,
            higher_is_better=False,
            reason="no closed form; see the draw",
            detail={"draw": share},
        ),
    }
    return found | others


def _chance_without_set(setting: Setting) -> dict[str, Score]:
    """A random sentence is nothing that could be drawn; a random one of the true names is."""
    columns: dict[str, Floats | str] = {metric.column: _NO_SET for metric in AVERAGES.values()}
    columns["nearest_name"] = setting.reasons.get("nearest_name", _NO_SET)
    if "nearest_name" in setting.credits:
        columns["nearest_name"] = np.full(len(setting.units), 1 / setting.n_names)
    return _over(setting, columns, intervals=False)


def _draw(setting: Setting) -> tuple[dict[str, Floats | str], Indices]:
    """One random ordering per live unit, from the seed and the unit's number.

    Returns:
        Per-unit values of the scored units by column, and the first concept of every live unit.
    """
    size, n = len(setting.concepts), len(setting.units)
    row_of = {unit: row for row, unit in enumerate(setting.units.tolist())}
    labels = np.zeros(len(setting.live), dtype=np.int64)
    first = np.zeros(n, dtype=np.int64)
    rank = np.full(n, np.nan)
    for number, unit in enumerate(setting.live.tolist()):
        order = np.random.default_rng([setting.seed, unit]).permutation(size)
        labels[number] = order[0]
        row = row_of.get(unit)
        if row is None:
            continue
        first[row] = order[0]
        if setting.true[row].size:
            place = np.empty(size, dtype=np.int64)
            place[order] = np.arange(1, size + 1)
            rank[row] = place[setting.true[row]].min()
    columns = _columns(setting, lambda credit: credit.own(first, np.zeros(n)))
    columns["accuracy_at_5"] = (rank <= 5).astype(np.float64)
    columns["truth_rank"], columns["reciprocal_rank"] = rank, 1 / rank
    return columns, labels


def constant(setting: Setting) -> dict[str, Score]:
    """The single concept with the best mean; ties go to the lowest index.

    It is chosen for each name apart, by the truth, which makes it a strong floor. For free text it
    is one of the labels in use.
    """
    if not setting.concepts:
        return {cut.name: null(cut, _NO_LABEL) for cut in setting.cuts()} | _same_for_all(_NO_LABEL)
    order = list(setting.parts)

    def best(cut: Cut, credit: Credit) -> tuple[int, str]:
        index = int(credit.column_sum[order.index(cut.part)].argmax())
        return index, setting.concepts[index]

    return _one_label(setting, setting.credits, best)


def listed(setting: Setting) -> dict[str, Score]:
    """All true names of the layer in one label, for every unit."""
    assert setting.written is not None
    return _one_label(setting, setting.written.credits, lambda cut, credit: (0, "all true names"))


def _one_label(
    setting: Setting,
    credits: Mapping[str, Credit],
    choose: Callable[[Cut, Credit], tuple[int, str]],
) -> dict[str, Score]:
    """The same label for every unit.

    Args:
        setting: What to look at.
        credits: What the labels to choose from score.
        choose: The label of each name, and how to call it.
    """
    found = {}
    for cut in setting.cuts():
        column = AVERAGES[cut.metric].column
        # With one label in the list, the top five hold what the top one holds.
        credit = credits.get("accuracy_at_1" if column == "accuracy_at_5" else column)
        mask = setting.in_part(cut)
        if column in RANK_COLUMNS:
            found[cut.name] = null(cut, _NO_RANKING)
        elif credit is None:
            found[cut.name] = null(cut, setting.reasons[column])
        elif not mask.any():
            found[cut.name] = null(cut, "no unit of this part has a value")
        else:
            index, name = choose(cut, credit)
            values = credit.column(index)[mask]
            score = average(AVERAGES[cut.metric], values, seed=setting.seed, reason="")
            found[cut.name] = replace(score, reason=None, detail={"concept": name})
    n = len(setting.live)
    share = Score(1.0, n=n) if n else Score(None, reason="every unit is dead")
    return found | {
        "auroc": Score(None, reason=_NO_SCORES),
        "distinct_labels": Score(float(min(n, 1)), n=n),
        "top_label_share": replace(share, higher_is_better=False),
    }


def oracle(setting: Setting) -> dict[str, Score]:
    """The best label that the set holds, for each metric and unit.

    For sentences it is the best way to put the truth into the method's own.
    """
    if setting.has_set:
        columns = _columns(setting, lambda credit: credit.row_best)
        columns["truth_rank"] = columns["reciprocal_rank"] = np.ones(len(setting.units))
    elif setting.written is not None:
        columns = _ceilings(setting, setting.written)
    else:
        reason = _NO_SENTENCE
        return {cut.name: null(cut, reason) for cut in setting.cuts()} | _same_for_all(reason)
    columns["accuracy_at_5"] = columns["accuracy_at_1"]
    found = _over(setting, columns, intervals=True)
    reason = "the best label differs from metric to metric"
    return found | {
        "auroc": Score(None, reason="the oracle is never wrong where it can be right"),
        "distinct_labels": Score(None, reason=reason),
        "top_label_share": Score(None, higher_is_better=False, reason=reason),
    }


def _ceilings(setting: Setting, written: Written) -> dict[str, Floats | str]:
    """By column, what the best of the sentences that say a unit's truth scores."""
    counts = np.array([indices.size for indices in written.ceilings])
    rows = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum([0, *counts])[:-1]
    said = np.concatenate(written.ceilings)
    found: dict[str, Floats | str] = {}
    for metric in AVERAGES.values():
        credit = written.credits.get(metric.column)
        found[metric.column] = (
            setting.reasons.get(metric.column, _NO_RANKING)
            if credit is None
            else np.maximum.reduceat(credit.table.pairs(rows, said), starts)
        )
    return found


def _auroc_of_chance(n: int) -> Score:
    """A score that knows nothing, expected over orderings."""
    return Score(0.5, n=n) if n else Score(None, reason="no unit is scored")


def _same_for_all(reason: str) -> dict[str, Score]:
    names = ("auroc", "distinct_labels", "top_label_share")
    return {
        name: Score(None, higher_is_better=name != "top_label_share", reason=reason)
        for name in names
    }
