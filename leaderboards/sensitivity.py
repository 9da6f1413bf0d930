"""Sensitivity: scores against the size of the probe set and of the concept set.

A sweep gives curves where it takes nested subsets of several sizes (`size` or `limit`) from several
disjoint draws (`offset`) of one set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from leaderboards.draws import are_disjoint
from leaderboards.hashing import page_hash
from leaderboards.unique_names import Item, unique_names
from metrics.catalog import HEADLINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from leaderboards.rows import Row
    from leaderboards.tables import ConditionTable

Axis = Literal["images", "concepts"]

AXES: tuple[Axis, ...] = ("images", "concepts")
CURVE = (
    "board", "target", "layer", "axis", "probe", "concepts", "scoring", "judge", "metric",
)  # fmt: skip
"""Columns that identify the curves of one panel."""
COLUMNS = (
    *CURVE, "method", "size", "draws", "mean", "low", "high", "tau", "tau_low", "tau_high",
    "settled",
)  # fmt: skip
AGREEMENT = 0.9
"""Smallest Kendall's tau of a settled ranking."""

_SUBSET = ("size", "limit", "offset")
"""Parameters that take a subset of a set."""


@dataclass(frozen=True)
class _Observation:
    """The scores of a method on one subset; `length` is its number of images or distractors."""

    row: Row
    size: int
    offset: int
    length: int


def sensitivity_frame(tables: Iterable[ConditionTable]) -> pd.DataFrame:
    """Return one row per curve and size, where records sweep sizes with disjoint draws.

    Methods without a value at some size of some draw are left out, and panels with fewer than two
    methods, sizes or draws.

    Args:
        tables: Tables of all conditions.

    Returns:
        Columns `COLUMNS`: `mean`, `low` and `high` of the score over draws; the same of Kendall's
        `tau`, equal for all methods of a size; and the `settled` size, missing if there is none.
    """
    tables = list(tables)
    rows = [row for axis in AXES for row in _axis_rows(tables, axis)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"size": "Int64", "draws": "Int64", "settled": "Int64"})


def rank_agreement(scores: ArrayLike) -> np.ndarray:
    """Compare each draw's ranking of methods with the ranking at the largest size.

    The reference of a draw is the mean score over the other draws at the largest size, so that no
    image or label counts on both sides.

    Args:
        scores: [S sizes, ascending; D >= 2 draws; M methods].

    Returns:
        Kendall's tau-b [S, D]; NaN where all methods of a ranking are tied.
    """
    from scipy.stats import kendalltau

    values = np.asarray(scores, dtype=float)
    largest = values[-1]
    others = (largest.sum(axis=0) - largest) / (len(largest) - 1)
    return np.array(
        [
            [kendalltau(*pair).statistic for pair in zip(size, others, strict=True)]
            for size in values
        ]
    )


def settled_size(sizes: Sequence[int], tau: ArrayLike) -> int | None:
    """Return the smallest size from which tau stays at `AGREEMENT` or more; None without one.

    Args:
        sizes: Ascending.
        tau: One value per size; NaN is no agreement.
    """
    settled = None
    for size, value in zip(reversed(sizes), reversed(np.asarray(tau, dtype=float)), strict=True):
        if not value >= AGREEMENT:
            break
        settled = size
    return settled


def _axis_rows(tables: Sequence[ConditionTable], axis: Axis) -> list[dict[str, Any]]:
    """Return the rows of all panels of an axis."""
    part = "probe" if axis == "images" else "concepts"
    items, places, found = [], [], []
    for table in tables:
        condition = table.condition
        size = condition.n_images if axis == "images" else condition.n_concepts
        for row in table.methods:
            own = getattr(row.record, part)
            params = own.get("params")
            if row.record.is_imported or size is None or not isinstance(params, dict):
                continue
            fixed = {key: value for key, value in params.items() if key not in _SUBSET}
            other = condition.concepts if axis == "images" else condition.probe
            place = (*condition.place, other, condition.scoring, condition.judge)
            items.append(Item(str(own.get("name")), place, page_hash(fixed), fixed))
            places.append(place)
            length = next((v for k in ("size", "limit") if type(v := params.get(k)) is int), size)
            offset = params.get("offset", 0)
            found.append(_Observation(row, size, offset if type(offset) is int else 0, length))
    panels: dict[tuple[str, ...], list[_Observation]] = {}
    for place, name, observation in zip(places, unique_names(items), found, strict=True):
        panels.setdefault((*place, name), []).append(observation)
    rows = []
    for (board, target, layer, other, scoring, judge, name), members in sorted(panels.items()):
        probe, concepts = (name, other) if axis == "images" else (other, name)
        members = _of_shared_sizes(members)
        if _are_disjoint(members):
            where = (board, target, layer, axis, probe, concepts, scoring, judge)
            for metric in HEADLINES:
                rows += _curves((*where, metric), members)
    return rows


def _of_shared_sizes(members: Sequence[_Observation]) -> list[_Observation]:
    """Return the observations of sizes that all draws have."""
    sizes: dict[int, set[int]] = {}
    for one in members:
        sizes.setdefault(one.offset, set()).add(one.size)
    shared = set.intersection(*sizes.values())
    return [one for one in members if one.size in shared]


def _are_disjoint(members: Iterable[_Observation]) -> bool:
    """Return whether there are several draws that do not overlap."""
    ends: dict[int, int] = {}
    for one in members:
        ends[one.offset] = max(ends.get(one.offset, 0), one.offset + one.length)
    return len(ends) > 1 and are_disjoint((start, end - start) for start, end in ends.items())


def _curves(panel: tuple[str, ...], members: Sequence[_Observation]) -> list[dict[str, Any]]:
    """Return the rows of one panel."""
    table = pd.DataFrame(
        [(one.size, one.offset, one.row.label, one.row.value(panel[-1])) for one in members],
        columns=["size", "offset", "method", "value"],
    ).astype({"value": "float64"})
    scores = table.pivot_table(
        index=["size", "offset"], columns="method", values="value", dropna=False
    ).dropna(axis="columns")
    sizes, draws = (sorted({getattr(one, name) for one in members}) for name in ("size", "offset"))
    methods = list(scores.columns)
    if min(len(sizes), len(draws), len(methods)) < 2:
        return []
    values = scores.to_numpy().reshape(len(sizes), len(draws), len(methods))
    tau = rank_agreement(values)
    settled = settled_size(sizes, tau.mean(axis=1))
    return [
        dict(zip(CURVE, panel, strict=True))
        | {"method": method, "size": size, "draws": len(draws), "settled": settled}
        | _spread("", own)
        | _spread("tau", agreement)
        for number, method in enumerate(methods)
        for size, own, agreement in zip(sizes, values[:, :, number], tau, strict=True)
    ]


def _spread(name: str, values: np.ndarray) -> dict[str, float]:
    """Return mean and range of a statistic over draws."""
    names = (f"{name}_low", f"{name}_high") if name else ("low", "high")
    return {name or "mean": values.mean(), names[0]: values.min(), names[1]: values.max()}
