"""Exact search for the formula with the largest intersection over union with a unit.

Branch and bound, by number of labels: a formula is extended only where an upper bound of the scores
of all its extensions exceeds the best score so far. "Guaranteed Optimal Compositional Explanations
for Neurons" (ICML 2026) set the task; the bound here is another, simpler one (`_bounds`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.composition.pool import EPSILON, Entry, Extender, Pool, Scale, ScoredFormula

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.composition.cells import Cells
    from baselines.composition.firing import UnitCells

MOST_PREFIXES = 1_000_000
"""Formulas to be extended for a unit, if bounds excluded none, up to which a search is tried."""

SECONDS = 5e-5
"""Time to extend a formula by all labels, about that of 128 labels on 4,000 images."""

_TOGETHER = 64
"""Formulas that are extended before the best score is compared with bounds again."""


def count_prefixes(n_labels: int, max_length: int) -> int:
    """Return how many formulas of fewer than `max_length` labels there are, all to be extended."""
    return sum(n_labels * (3 * n_labels) ** more for more in range(max_length - 1))


def search_exactly(
    cells: Cells,
    unit: UnitCells,
    start: ScoredFormula,
    *,
    max_length: int = 3,
    penalty: float = 1.0,
) -> ScoredFormula:
    """Return the formula of the largest score among all that the beam search could ever visit.

    These are a label, extended by OR, AND or AND NOT and a label up to `max_length` - 1 times.

    Args:
        cells: Cells of the dataset.
        unit: Where the unit fires.
        start: A formula, such as the best of the beam; a good one lets bounds exclude more.
        max_length: Largest number of labels in a formula.
        penalty: Factor of the score for each unit of length above 1, in (0, 1].

    Returns:
        `start` if no other formula has a larger score; else, of those with the largest, one of the
        fewest labels (ties: the first visited, by bound, then by order as in the beam search).
    """
    extender, scale = Extender(cells, unit), Scale(unit.pixels, penalty)
    most = np.cumsum(np.append(0, np.sort(extender.labels.common)[::-1]))
    best, pool = start, extender.labels
    overlapping = np.flatnonzero(pool.common > 0)
    pool = pool.keep(overlapping)
    paths = overlapping[:, None]  # the first label of each formula, and its steps
    for more in range(max_length - 1, 0, -1):
        bounds = _bounds(pool, scale, most, more)
        order = np.argsort(-bounds, kind="stable")
        pools, longer = [], []
        for first in range(0, len(order), _TOGETHER):
            rows = order[first : first + _TOGETHER]
            rows = rows[bounds[rows] > best.score]
            if not len(rows):
                break
            entries = [_entry(extender, path) for path in paths[rows].tolist()]
            wider = extender.extend(pool.keep(rows), entries)
            best = _better(best, wider, scale, extender, entries)
            if more > 1:
                further = _bounds(wider, scale, most, more - 1)
                useful = (further > best.score) & wider.fresh & (wider.common > 0)
                chosen = np.flatnonzero(useful)
                formulas, steps = np.divmod(chosen, len(wider.common) // len(rows))
                pools.append(wider.keep(chosen))
                longer.append(np.column_stack([paths[rows[formulas]], steps]))
        if not pools:
            break
        pool, paths = pools[0].before(*pools[1:]), np.concatenate(longer)
        distinct = _distinct(pool)
        pool, paths = pool.keep(distinct), paths[distinct]
    return best


def _bounds(pool: Pool, scale: Scale, most: NDArray[np.int64], more: int) -> NDArray[np.float64]:
    """Return upper bounds of the scores of all extensions of formulas by 1 to r labels.

    OR l adds at most |u AND l| to a formula's overlap with the unit u, and removes no pixel; AND
    and AND NOT add nothing. Let S_r be the sum of the r largest |u AND l|. If all steps are OR,
    IoU <= min(|u|, |u AND f| + S_r) / (|u| + |f| - |u AND f|); if at least one is not, it may
    remove all pixels outside of u, and IoU <= min(|u|, |u AND f| + S_(r - 1)) / |u|.

    Args:
        pool: The formulas [n].
        scale: How they are scored.
        most: S_0, S_1, ... to that of all labels.
        more: Number of labels r, at least 1.

    Returns:
        Bounds with the penalty of one more label, float64 [n].
    """
    unit = scale.unit_pixels
    with_and, by_or = (
        np.minimum(unit, pool.common + most[min(r, len(most) - 1)]) for r in (more - 1, more)
    )
    outside = pool.pixels - pool.common
    ious = np.maximum(with_and / (unit + EPSILON), by_or / (unit + outside + EPSILON))
    return np.asarray(ious * scale.factors(pool.lengths + 1))


def _better(
    best: ScoredFormula, pool: Pool, scale: Scale, extender: Extender, entries: Sequence[Entry]
) -> ScoredFormula:
    """Return the best extension, the first of the shortest ones, if it exceeds the best so far."""
    scores = scale.scores(pool)
    ties = np.flatnonzero(scores == scores.max())
    at = int(ties[pool.lengths[ties].argmin()])
    if scores[at] <= best.score:
        return best
    formula, step = extender.split(at)
    [found] = scale.scored([extender.step(entries[formula], step)], pool.keep(np.array([at])))
    return found


def _distinct(pool: Pool) -> NDArray[np.int64]:
    """Return the first of the shortest formulas of each mask, in order."""
    by_length = np.argsort(pool.lengths, kind="stable")
    _, first = np.unique(pool.marks[by_length], axis=0, return_index=True)
    return np.sort(by_length[first])


def _entry(extender: Extender, path: Sequence[int]) -> Entry:
    """Return the formula of a label and further steps."""
    entry = extender.leaf(path[0])
    for step in path[1:]:
        entry = extender.step(entry, step)
    return entry
