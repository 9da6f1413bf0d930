"""Sanity checks of metrics on units of a network: does a score fall with missing or wrong labels?

Oikarinen, Yan & Weng, "Evaluating Neuron Explanations: A Unified Framework with Sanity Checks",
ICML 2025, section 4 and appendix, on units whose concepts are known:

- missing labels: each presence is set to 0 with probability 1/2;
- extra labels: each presence is set to 1 with the probability that doubles their number.

As there, a share of the units chooses the settings of each metric, by how well its scores tell the
concepts of these units from those of all others; the rest are tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from metrics.faithfulness import AGREEMENTS, wpmi
from metrics.numeric import average_precision
from metrics.observations import Observations
from metrics.sanity import LEAST_FALL, TESTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrics.numeric import Floats, Indices

VALIDATION = 0.05
"""Share of the units that choose the settings."""
LEAST_UNITS = 20
"""Units that choose the settings where there are few: a handful tells nearly all settings alike."""
ALPHAS = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
PENALTIES = tuple(np.arange(101) / 100)
"""Weights of the prior in `wpmi`; all other metrics have none."""
_BLOCK = 8
"""Units that are compared at once: each is compared with the concepts of all of them."""


class Setting(NamedTuple):
    """How a metric compares units and concepts.

    Attributes:
        alpha: Share of the images on which a unit counts as active.
        penalty: Weight of the prior; None for a metric without one.
    """

    alpha: float
    penalty: float | None = None


def check_units(
    activations: Floats,
    presence: Floats,
    labels: Indices,
    names: Sequence[str],
    *,
    alpha: float | None = None,
    draws: int = 1,
    seed: int = 0,
) -> pd.DataFrame:
    """Test metrics on the units of a layer.

    Constant units are left out, and those whose concept no image shows, or half of the images or
    more, so that its labels cannot be doubled.

    Args:
        activations: Activations [N, U].
        presence: Presence of L concepts [N, L].
        labels: The column of each unit's concept [U]; negative for none.
        names: Of `metrics.faithfulness.AGREEMENTS`.
        alpha: Share of the images on which a unit counts as active; None to choose it.
        draws: Number of draws of missing and of extra labels.
        seed: Seed of the choice of units, and of the draws.

    Returns:
        One row for each metric and test: metric, test, alpha, penalty (NaN for none), change (the
        mean difference of scores as a share of the metric's range), falls (the share of units, over
        all draws, whose score falls), n (tested units whose scores are defined).

    Raises:
        ValueError: Fewer than two units can be tested.
    """
    presence = np.asarray(presence, dtype=np.float64)
    numbers = presence.sum(axis=0)
    testable = (numbers > 0) & (numbers < len(presence) / 2)
    live = np.ptp(activations, axis=0) > 0
    # The last element stands for no concept.
    units = np.flatnonzero(live & np.append(testable, False)[np.maximum(labels, -1)])
    if len(units) < 2:
        raise ValueError(f"{('no unit', 'one unit only')[len(units)]} can be tested; 2 are needed")
    rng = np.random.default_rng(seed)
    units = rng.permutation(units)
    held = min(max(LEAST_UNITS, round(VALIDATION * len(units))), len(units) // 2)
    chosen, tested = units[:held], units[held:]
    alphas = ALPHAS if alpha is None else (alpha,)
    settings = _choose(activations[:, chosen], presence, labels[chosen], names, alphas, seed)
    odds = numbers / (len(presence) - numbers)
    drawn: list[Floats] = []
    for _ in range(draws):
        drawn.append(presence * (rng.random(presence.shape) < 0.5))
        drawn.append(np.minimum(1, presence + (rng.random(presence.shape) < odds)))
    a, own = activations[:, tested], labels[tested]
    rows = []
    for name in names:
        setting = settings[name]
        scores = _own_scores(name, setting, a, [presence, *drawn], own, seed)
        limits = AGREEMENTS[name].limits or _observed_limits(
            name, setting, a, [presence, *drawn[:2]]
        )
        changes = (scores[1:] - scores[0]) / (limits[1] - limits[0])
        for at, test in enumerate(TESTS):
            found = changes[at::2][~np.isnan(changes[at::2])]
            falls = (found < -LEAST_FALL).mean() if found.size else np.nan
            mean = found.mean() if found.size else np.nan
            n = int((~np.isnan(changes[at::2])).any(axis=0).sum())
            rows.append((name, test, *setting, mean, falls, n))
    columns = ["metric", "test", "alpha", "penalty", "change", "falls", "n"]
    return pd.DataFrame(rows, columns=columns).astype({"penalty": float})


def _compute(name: str, penalty: float | None, observed: Observations) -> Floats:
    return AGREEMENTS[name].compute(observed) if penalty is None else wpmi(observed, penalty)


def _choose(
    a: Floats, presence: Floats, labels: Indices, names: Sequence[str], alphas: Sequence[float],
    seed: int,
) -> dict[str, Setting]:  # fmt: skip
    """Return the setting of each metric with the largest average precision.

    This is that of the scores of all pairs of these units and the concepts [V, L], as predictors of
    the units' own. Of equal settings, take the one in the middle.
    """
    marks = np.zeros((len(labels), presence.shape[1]))
    marks[np.arange(len(labels)), labels] = 1
    found: dict[str, list[tuple[float, Setting]]] = {name: [] for name in names}
    for alpha in alphas:
        observed = Observations(a, presence, alpha, seed=seed)
        for name in names:
            if name == "wpmi":
                free, full = wpmi(observed, 0), wpmi(observed, 1)
                tables = {
                    Setting(alpha, penalty): free + penalty * (full - free) for penalty in PENALTIES
                }
            else:
                tables = {Setting(alpha): AGREEMENTS[name].compute(observed)}
            found[name] += [(_tells(table, marks), setting) for setting, table in tables.items()]
    chosen = {}
    for name, pairs in found.items():
        best = max(value for value, _ in pairs)
        equal = [setting for value, setting in pairs if value == best]
        chosen[name] = equal[len(equal) // 2]
    return chosen


def _tells(table: Floats, marks: Floats) -> float:
    """Return the average precision of scores as predictors of marks; undefined ones come last."""
    known = table[~np.isnan(table)]
    scores = np.where(np.isnan(table), known.min() - 1 if known.size else 0, table)
    columns = (x.reshape(-1, 1) for x in (scores, marks, np.ones_like(marks)))
    return float(average_precision(*columns)[0, 0])


def _own_scores(
    name: str, setting: Setting, a: Floats, drawn: Sequence[Floats], labels: Indices, seed: int
) -> Floats:
    """Return the scores of units with their own concepts, for each draw of presence [D, U]."""
    found = np.empty((len(drawn), a.shape[1]))
    for start in range(0, a.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        own = labels[block]
        presence = np.concatenate([one[:, own] for one in drawn], axis=1)
        observed = Observations(a[:, block], presence, setting.alpha, seed=seed)
        table = _compute(name, setting.penalty, observed)
        by_draw = table.reshape(len(own), len(drawn), len(own))
        found[:, block] = np.einsum("udu->du", by_draw)
    return found


def _observed_limits(
    name: str, setting: Setting, a: Floats, drawn: Sequence[Floats]
) -> tuple[float, float]:
    """Return the least and the greatest score of all pairs of units and concepts."""
    tables = [
        _compute(name, setting.penalty, Observations(a, presence, setting.alpha))
        for presence in drawn
    ]
    return float(np.nanmin(tables)), float(np.nanmax(tables))
