"""Permutation test of a method's labels against the same labels assigned to units at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metrics.aggregate import SELECTIVE
from metrics.catalog import AVERAGES, HEADLINES
from metrics.context import silence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from metrics.context import ControlContext
    from metrics.credit import Credit, Floats, Indices

PERMUTATIONS = 9_999

_CHUNK = 1_000_000
"""Labels that are dealt at once."""

_DIGITS = 9
"""Of credits, so that sums of equal credits are equal on every processor."""


def p_shuffled(context: ControlContext) -> dict[str, float]:
    """Return the p-value of each headline score that is a mean over units.

    Null hypothesis: the labels are assigned to the units at random. The test is one-sided: a small
    p-value says that the score is above that of the `shuffled` control. p = (1 + number of
    permutations that score at least as well) / (1 + number of permutations), which never rejects
    too often (Phipson & Smyth, 2010).

    Args:
        context: The scored units.

    Returns:
        p-values by score name; none for scores without a table of credits or without units.
    """
    found: dict[str, float] = {}
    names, codes = np.unique(context.labels, return_inverse=True)
    tables: dict[str, Floats] = {}
    for subset, mask in context.subsets.items():
        if subset == SELECTIVE or not mask.any():
            continue
        chosen = {
            item.name: AVERAGES[item.metric].column
            for item in context.metric_slices()
            if item.subset == subset and item.metric in HEADLINES
        }
        for column in chosen.values():
            if column in context.credits and column not in tables:
                tables[column] = _table(column, context.credits[column], names)
        own = {name: tables[column][mask] for name, column in chosen.items() if column in tables}
        found |= permutation_test(own, codes[mask], context.seed)
    return found


def permutation_test(
    tables: Mapping[str, Floats], codes: Indices, seed: int, permutations: int = PERMUTATIONS
) -> dict[str, float]:
    """Test whether labels fit their own units better than units at random.

    Args:
        tables: Credit of each of L different labels for each unit, by score [n, L].
        codes: Which label each unit has [n], in 0..L-1.
        seed: Seed of the permutations.
        permutations: Number of permutations, the same for all scores.

    Returns:
        One-sided p-values by score.
    """
    rng = np.random.default_rng(seed)
    n = codes.size
    rows = np.arange(n)
    observed = {name: _sums(table, rows, codes[None])[0] for name, table in tables.items()}
    exceeding = dict.fromkeys(tables, 0)
    size = max(1, _CHUNK // n)
    for start in range(0, permutations, size):
        block = np.tile(codes, (min(size, permutations - start), 1))
        dealt = rng.permuted(block, axis=1)
        for name, table in tables.items():
            sums = _sums(table, rows, dealt)
            exceeding[name] += int((sums >= observed[name] - 0.1**_DIGITS).sum())
    return {name: (1 + count) / (1 + permutations) for name, count in exceeding.items()}


def _sums(table: Floats, rows: Indices, dealt: Indices) -> Floats:
    """Return the sum of credits of each assignment of labels to units [B, n]: float64 [B]."""
    return np.asarray(table.ravel().take(dealt + rows * table.shape[1]).sum(axis=1))


def _table(column: str, credit: Credit, names: NDArray[np.int64]) -> Floats:
    """Return the credits of all units for some labels [R, L]; label -1 stands for no label."""
    silent = [silence(column, credit)[:, None]] if names[0] < 0 else []
    return np.hstack([*silent, credit.table.columns(names[names >= 0])]).round(_DIGITS)
