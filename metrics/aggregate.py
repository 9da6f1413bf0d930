"""Aggregate scores, computed from the table of units alone.

Scoring uses these functions too, so a table of units gives its scores again, to the last bit and
without torch, a concept set or an embedder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metrics.catalog import ANSWER_METRICS, AVERAGES, SET_METRICS, WITHOUT_CONCEPT
from metrics.false_labels import false_label_scores
from metrics.numeric import auroc
from metrics.reach import EXACT, NONE, REACHABLE, SYNONYM, is_reachable
from metrics.scores import Score
from metrics.statistics import Interval, auroc_interval, bca_mean, median_interval, wilson

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import pandas as pd

    from metrics.catalog import Metric

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SELECTIVE = "selective_"

NO_NAME = "no unit has a true name"
DEAD = "every unit with a true name is dead"
"""Reasons why no unit of a layer is scored."""


def by_sentence_encoder(name: str) -> bool:
    """Return whether the sentence encoder judges a score or column of this name."""
    return "sentence_cosine" in name or "nearest_name" in name


@dataclass(frozen=True)
class MetricSlice:
    """A metric over a subset of the units, which is one score name.

    Attributes:
        name: As in the files: "mrr", "selective_mrr", "mean_rank[unseen]".
        metric: Key of `AVERAGES`.
        subset: "" for all scored units, "selective_" for the labelled ones, "[group]" for a group.
    """

    name: str
    metric: str
    subset: str


OPTIONAL = frozenset((*SET_METRICS, *ANSWER_METRICS))
"""Metrics whose columns only some tables of units have."""


def metric_slices(groups: list[str], columns: Collection[str]) -> Iterator[MetricSlice]:
    """Yield all slices that averages of columns are computed for.

    Args:
        groups: Groups of the truth, in the order to show them.
        columns: Columns that there are; an optional metric without its column has no slice.
    """
    averages = {n: m for n, m in AVERAGES.items() if n not in OPTIONAL or m.column in columns}
    yield from (MetricSlice(name, name, "") for name in averages)
    labels = (name for name in averages if name not in ANSWER_METRICS)
    yield from (MetricSlice(SELECTIVE + name, name, SELECTIVE) for name in labels)
    for group in groups:
        part = f"[{group}]"
        for name, metric in averages.items():
            # Ranks are over units whose true name is in the set anyway.
            if metric.by_group and (group != REACHABLE or metric.format != "rank"):
                yield MetricSlice(f"{name}{part}", name, part)


def subsets(
    labelled: Mask, group: NDArray[np.object_], reach: NDArray[np.object_]
) -> dict[str, Mask]:
    """Return the subsets of the scored units that scores are computed over.

    Args:
        labelled: Whether the method named the unit, bool [R].
        group: Group of each unit's truth [R]; "" for none.
        reach: How the concept set holds each unit's truth [R]; "" where there is no set.

    Returns:
        Masks [R] by `MetricSlice.subset`.
    """
    found = {"": np.ones_like(labelled), SELECTIVE: labelled}
    found |= {f"[{name}]": group == name for name in sorted(set(group) - {""})}
    reachable = is_reachable(reach)
    if reachable.any() and not reachable.all():
        found[f"[{REACHABLE}]"] = reachable
    return found


def no_unit_reason(units: pd.DataFrame) -> str:
    """Return why no unit of the table is scored."""
    if not len(units):
        return "the layer has no units"
    return DEAD if (units["truth"] != "").any() else NO_NAME


def aggregate_units(
    units: pd.DataFrame,
    *,
    seed: int,
    circular: bool = False,
    reasons: Mapping[str, str] | None = None,
) -> dict[str, Score]:
    """Compute every score from the table of units; chance and ceiling stay None.

    Args:
        units: The table (`metrics.units`).
        seed: Seed of the bootstrap.
        circular: Mark what the sentence encoder judges as circular.
        reasons: Reasons for missing values, by column.

    Returns:
        Scores by name, in a fixed order.
    """
    live = ~units["dead"].to_numpy(dtype=bool)
    scored = units[live & (units["truth"] != "").to_numpy(dtype=bool)]
    labelled = (scored["label"] != "").to_numpy(dtype=bool)
    reach = _texts(scored, "reach")
    masks = subsets(labelled, _texts(scored, "group"), reach)
    found: dict[str, Score] = {}
    groups = [part[1:-1] for part in masks if part.startswith("[")]
    none_scored = no_unit_reason(units)
    for item in metric_slices(groups, units.columns):
        metric = AVERAGES[item.metric]
        column = scored[metric.column].to_numpy(dtype=np.float64)
        reason = none_scored
        if len(scored):
            reason = "no unit of this part has a value"
        if len(scored) and np.isnan(column).all():
            reason = (reasons or {}).get(metric.column, f"no value in column {metric.column}")
        score = average(metric, column[masks[item.subset]], seed=seed, reason=reason)
        silent = int((~labelled & masks[item.subset] & ~np.isnan(column)).sum())
        marked = circular and by_sentence_encoder(metric.column)
        found[item.name] = replace(score, n_unlabelled=silent, circular=marked)
    found["coverage"] = _coverage(labelled, none_scored if not len(scored) else None)
    found["auroc"] = _auroc(scored[labelled], int((~labelled).sum()))
    if (reach != "").any():
        found["reach"] = _reach(reach)
    if WITHOUT_CONCEPT in units:
        found |= false_label_scores(units)
    return found | _variety(units[live])


def _texts(units: pd.DataFrame, name: str) -> NDArray[np.object_]:
    """Return a column of texts; "" for a missing column, and for the NaN of an empty one."""
    if name not in units:
        return np.full(len(units), "", dtype=object)
    column = units[name].astype(object)
    return column.where(column.notna(), "").to_numpy()


def average(metric: Metric, values: Floats, *, seed: int, reason: str) -> Score:
    """Average one column over some units, with its interval.

    Args:
        metric: How to average.
        values: The column; NaN for units that it leaves out.
        seed: Seed of the bootstrap.
        reason: Reason given if no unit has a value.
    """
    kept = values[~np.isnan(values)]
    if not kept.size:
        return Score(None, higher_is_better=metric.higher_is_better, reason=reason)
    low, high = _interval(metric, kept, seed)
    ordered = np.sort(kept)  # of an even number the upper median, as in the published tables
    return Score(
        float(ordered[kept.size // 2] if metric.average == "median" else ordered.mean()),
        low,
        high,
        n=kept.size,
        higher_is_better=metric.higher_is_better,
        reason="too few units for an interval" if low is None else None,
        detail={"left_out": values.size - kept.size} if kept.size < values.size else {},
    )


def _interval(metric: Metric, values: Floats, seed: int) -> Interval:
    """Return the 95 % interval over units of an average of at least one value."""
    if metric.average == "proportion":
        return wilson(float(values.sum()), values.size)
    if metric.average == "median":
        return median_interval(values)
    return bca_mean(values, seed=seed, limits=metric.limits)


def _coverage(labelled: Mask, reason: str | None) -> Score:
    if reason:
        return Score(None, reason=reason)
    low, high = wilson(float(labelled.sum()), labelled.size)
    silent = int((~labelled).sum())
    return Score(float(labelled.mean()), low, high, n=labelled.size, n_unlabelled=silent)


def _reach(reach: NDArray[np.object_]) -> Score:
    """Return the share of true names in the concept set, with counts; it is exact for the layer."""
    counts = {name: int((reach == name).sum()) for name in (EXACT, SYNONYM, NONE)}
    return Score(float(is_reachable(reach).mean()), n=reach.size, detail=counts)


def _auroc(labelled: pd.DataFrame, silent: int) -> Score:
    """Return the AUROC of top scores over labelled units; unlabelled ones have no score."""
    top = labelled["score"].to_numpy(dtype=np.float64)
    right = labelled["accuracy_at_1"].to_numpy(dtype=np.float64) == 1
    usable = np.isfinite(top)
    top, right = top[usable], right[usable]
    if not top.size:
        return Score(None, n_unlabelled=silent, reason="no scored unit has a label with a score")
    value = auroc(top, right)
    if np.isnan(value):
        which = "right" if right.all() else "wrong"
        reason = f"every label is {which}, so nothing can be told apart"
        return Score(None, n=top.size, n_unlabelled=silent, reason=reason)
    low, high = auroc_interval(top, right)
    note = "too few right or wrong labels for an interval" if low is None else None
    return Score(value, low, high, n=top.size, n_unlabelled=silent, reason=note)


def _variety(live: pd.DataFrame) -> dict[str, Score]:
    """Return how many different labels all live units get; no true name is needed."""
    counts = live["label"][live["label"] != ""].value_counts()
    n, silent = int(counts.sum()), int((live["label"] == "").sum())
    if not len(live):
        return {
            "distinct_labels": Score(None, reason="every unit is dead"),
            "top_label_share": Score(None, higher_is_better=False, reason="every unit is dead"),
        }
    share = float(counts.max() / n) if n else None
    # Ties for the commonest label go to the first in alphabetical order.
    commonest = min(counts.index[counts == counts.max()]) if n else None
    return {
        "distinct_labels": Score(float(len(counts)), n=n, n_unlabelled=silent),
        "top_label_share": Score(
            share,
            n=n,
            n_unlabelled=silent,
            higher_is_better=False,
            reason=None if n else "no live unit has a label",
            detail={"label": commonest} if n else {},
        ),
    }
