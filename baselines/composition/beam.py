"""Beam search for the formula with the largest intersection over union with a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from baselines.composition.pool import Entry, Extender, Pool, Scale, ScoredFormula

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.composition.cells import Cells
    from baselines.composition.firing import UnitCells

_CONSIDERED = 64  # number of candidates considered first; almost always enough


def search(
    cells: Cells,
    unit: UnitCells,
    *,
    beam: int = 5,
    max_length: int = 3,
    penalty: float = 1.0,
    official_beam: bool = False,
) -> list[ScoredFormula]:
    """Search the formula of at most `max_length` labels that best overlaps a unit.

    Start from the labels that share a pixel with the unit, and extend every formula of the beam by
    every label with OR, AND and AND NOT. Old formulas remain candidates, so that a shorter one may
    win.

    The formulas of the beam have distinct masks and overlap the unit. The shorter formula wins
    ties, then the first in order: the beam, best first, then its extensions by formula of the beam,
    label, and operator (OR, AND, AND NOT).

    The best formula of the beam is not always the best of all: see `exact.search_exactly`.

    Args:
        cells: Cells of the dataset.
        unit: Where the unit fires.
        beam: Number of formulas in the beam.
        max_length: Largest number of labels in a formula; the search takes one step less.
        penalty: Factor of the score for each unit of length above 1, in (0, 1].
        official_beam: Like the published code, allow several formulas of the same mask, and let the
            first in order win ties, whatever its length.

    Returns:
        The beam, best first; empty if no label shares a pixel with the unit.
    """
    extender = Extender(cells, unit)

    def pick(old: list[Entry], at: int) -> Entry:
        formula, step = extender.split(at)
        return extender.step(old[formula], step)

    chooser = _Chooser(Scale(unit.pixels, penalty), beam, official_beam)
    chosen = chooser.best(extender.labels)
    kept = extender.labels.keep(chosen)
    entries = [extender.leaf(label) for label in chosen.tolist()]
    for _ in range(max_length - 1):
        if not entries:
            break
        pool = kept.before(extender.extend(kept, entries))
        chosen = chooser.best(pool)
        kept, old = pool.keep(chosen), entries
        entries = [old[at] if at < len(old) else pick(old, at - len(old)) for at in chosen.tolist()]
    return chooser.scale.scored(entries, kept)


@dataclass(frozen=True)
class _Chooser:
    """Choice of the candidates to keep (see `search`)."""

    scale: Scale
    beam: int
    official_beam: bool

    def best(self, pool: Pool) -> NDArray[np.int64]:
        """Return the candidates to keep, best first."""
        scores = self.scale.scores(pool)
        alive = np.flatnonzero(pool.common > 0)
        if not self.official_beam:  # the pool also has the shorter formula of that mask
            alive = alive[pool.fresh[alive]]
        considered = max(_CONSIDERED, self.beam)
        while True:
            few = alive
            if considered < len(alive):
                # Include all ties with the last candidate.
                least = np.partition(scores[alive], -considered)[-considered]
                few = alive[scores[alive] >= least]
            chosen = self._first_distinct(pool, few, scores[few])
            if len(chosen) == self.beam or len(few) == len(alive):
                return chosen
            considered *= 16

    def _first_distinct(
        self, pool: Pool, few: NDArray[np.int64], scores: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        if self.official_beam:
            return few[np.argsort(-scores, kind="stable")[: self.beam]]
        order = few[np.lexsort((pool.lengths[few], -scores))]
        seen, chosen = set(), []
        for at, mark in zip(order.tolist(), map(tuple, pool.marks[order].tolist()), strict=True):
            if mark not in seen:
                seen.add(mark)
                chosen.append(at)
                if len(chosen) == self.beam:
                    break
        return np.array(chosen, np.int64)
