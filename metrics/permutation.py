"""Permutation test of a method's labels against the same labels assigned to units at random."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from metrics.aggregate import SELECTIVE
from metrics.catalog import AVERAGES, HEADLINES
from metrics.context import silence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from metrics.context import ControlContext
    from metrics.credit import Credit, Floats, Indices

PERMUTATIONS = 9_999

_CHUNK = 1_000_000
"""Numbers in memory at once, for each array."""

_INDEXED = 2_048
"""Most units whose permutations are kept for the next call, in 25 kB a unit."""

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
    n = codes.size
    rows = np.arange(n)
    found = {}
    for name, table in tables.items():
        observed = table[rows, codes].sum()
        if n <= _INDEXED:
            sums = _index(n, seed, permutations).sums(table[:, codes])
        else:
            dealt = (codes[block] + rows * table.shape[1] for block in _draw(n, seed, permutations))
            sums = np.concatenate([table.ravel().take(block).sum(axis=1) for block in dealt])
        exceeding = int((sums >= observed - 0.1**_DIGITS).sum())
        found[name] = (1 + exceeding) / (1 + permutations)
    return found


def _draw(n: int, seed: int, permutations: int) -> Iterator[Indices]:
    """Yield permutations of n units in blocks [b, n]: which unit's label each unit gets."""
    rng = np.random.default_rng(seed)
    size = max(1, _CHUNK // n)
    for start in range(0, permutations, size):
        units = np.arange(n, dtype=np.min_scalar_type(n))
        yield rng.permuted(np.tile(units, (min(size, permutations - start), 1)), axis=1)


@dataclass(frozen=True, eq=False)
class _Index:
    """B permutations of n units, by what they give to each unit.

    Attributes:
        order: For each unit, the permutations, sorted by the unit whose label they give [n, B].
        starts: For each unit, where the permutations begin that give the label of unit 0, 1, ...,
            and the end of the last [n, n + 1].
    """

    order: NDArray[np.unsignedinteger]
    starts: NDArray[np.unsignedinteger]

    def sums(self, credits: Floats) -> Floats:
        """Return the sum of credits of each permutation, float64 [B].

        The cost is that of the credits other than 0.

        Args:
            credits: What each unit earns with the label of each unit [n, n].
        """
        n, permutations = self.order.shape
        sums = np.zeros(permutations)
        size = max(1, _CHUNK // permutations)
        for start in range(0, n, size):
            entries = np.flatnonzero(credits[start : start + size] != 0) + start * n
            rows, others = np.divmod(entries, n)
            first = self.starts[rows, others].astype(np.int64)
            counts = self.starts[rows, others + 1] - first
            skipped = np.cumsum(counts) - counts
            places = np.repeat(rows * permutations + first - skipped, counts)
            holders = self.order.ravel()[places + np.arange(places.size)]
            sums += np.bincount(holders, np.repeat(credits[rows, others], counts), permutations)
        return sums


@lru_cache(maxsize=4)
def _index(n: int, seed: int, permutations: int) -> _Index:
    """Return the index of the permutations that `_draw` yields."""
    dealt = np.concatenate(list(_draw(n, seed, permutations)))
    dtype = np.min_scalar_type(permutations)
    order = np.empty((n, permutations), dtype)
    starts = np.zeros((n, n + 1), dtype)
    for unit, own in enumerate(np.ascontiguousarray(dealt.T)):
        order[unit] = np.argsort(own, kind="stable")
        starts[unit, 1:] = np.bincount(own, minlength=n).cumsum()
    return _Index(order, starts)


def _table(column: str, credit: Credit, names: NDArray[np.int64]) -> Floats:
    """Return the credits of all units for some labels [R, L]; label -1 stands for no label."""
    silent = [silence(column, credit)[:, None]] if names[0] < 0 else []
    return np.hstack([*silent, credit.table.columns(names[names >= 0])]).round(_DIGITS)
