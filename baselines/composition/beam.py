"""Beam search for the formula with the largest intersection over union with a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.composition.formula import And, Formula, Leaf, Not, Or

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.composition.cells import Cells
    from baselines.composition.firing import UnitCells

_EPSILON = 1e-10
_OPERATORS = 3  # OR l, AND l, AND NOT l, in this order
_ADDED = np.array([1, 1, 2], np.int64)  # added length of each operator
_CONSIDERED = 64  # number of candidates considered first; almost always enough


@dataclass(frozen=True, eq=False)
class ScoredFormula:
    """A formula of the beam.

    Attributes:
        formula: The formula.
        length: Length (see `formula.length`).
        score: IoU times penalty^(length - 1).
        iou: |f AND u| / (|f| + |u| - |f AND u| + 1e-10), over all pixels of the dataset.
        pixels: Size |f|.
        common: Overlap |f AND u|.
    """

    formula: Formula
    length: int
    score: float
    iou: float
    pixels: int
    common: int


class _Pool(NamedTuple):
    """Candidates of one step, in the order of the search.

    Attributes:
        marks: Size and two hashes of each mask, uint64 [n, 3].
        common: Overlap |f AND u|, int64 [n].
        lengths: Lengths, int64 [n].
        fresh: Whether the mask differs from that of the extended formula, bool [n].
    """

    marks: NDArray[np.uint64]
    common: NDArray[np.int64]
    lengths: NDArray[np.int64]
    fresh: NDArray[np.bool_]

    def before(self, other: _Pool) -> _Pool:
        """Return this pool followed by another."""
        return _Pool._make(map(np.concatenate, zip(self, other, strict=True)))

    def keep(self, chosen: NDArray[np.int64]) -> _Pool:
        """Return the chosen candidates."""
        return _Pool._make(column[chosen] for column in self)


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
    win. For a formula f, |f AND l| and |u AND f AND l| of all labels l at once
    give the IoU of all candidates: |f OR l| = |f| + |l| - |f AND l|, and so on.

    The formulas of the beam have distinct masks and overlap the unit. The shorter formula wins
    ties, then the first in order: the beam, best first, then its extensions by formula of the beam,
    label, and operator (OR, AND, AND NOT).

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
    unit_weights = unit.counts.astype(np.uint64)[:, None]
    anywhere = np.ones((1, len(cells)), np.bool_)
    label_common = cells.weigh(anywhere, unit.cells, unit_weights)[0, :, 0]
    labels = _Pool(
        cells.label_weights,
        label_common.astype(np.int64),
        np.ones(cells.n_labels, np.int64),
        np.ones(cells.n_labels, np.bool_),
    )
    chooser = _Chooser(unit.pixels, beam, penalty, official_beam)
    chosen = chooser.best(labels)
    formulas: list[Formula] = [Leaf(int(label)) for label in chosen]
    kept = labels.keep(chosen)
    holds = np.array([cells.holding(int(label)) for label in chosen], np.bool_)
    for _ in range(max_length - 1):
        if not formulas:
            break
        shared = cells.weigh(holds, None, cells.weights)
        shared_common = cells.weigh(holds, unit.cells, unit_weights)
        pool = kept.before(_extend(kept, labels, shared, shared_common[:, :, 0].astype(np.int64)))
        chosen = chooser.best(pool)
        holds = np.array([_holding(cells, holds, int(at)) for at in chosen], np.bool_)
        formulas = [_formula(cells, formulas, int(at)) for at in chosen]
        kept = pool.keep(chosen)
    return chooser.scored(formulas, kept)


def _extend(
    kept: _Pool, labels: _Pool, shared: NDArray[np.uint64], shared_common: NDArray[np.int64]
) -> _Pool:
    """Return all extensions of F formulas by C labels, [F * C * 3] in the search's order.

    Args:
        kept: The formulas [F].
        labels: The labels [C].
        shared: Sizes and hashes of f AND l, uint64 [F, C, 3]; sums and differences wrap around.
        shared_common: Overlap |u AND f AND l|, int64 [F, C].
    """
    f_marks, f_common = kept.marks[:, None], kept.common[:, None]
    marks = np.stack([f_marks + labels.marks - shared, shared, f_marks - shared], axis=2)
    either = f_common + labels.common - shared_common
    common = np.stack([either, shared_common, f_common - shared_common], axis=2)
    lengths = np.broadcast_to(kept.lengths[:, None, None] + _ADDED, common.shape)
    # Most labels do not overlap a formula, so that f AND NOT l is f.
    fresh = (marks != kept.marks[:, None, None]).any(axis=3)
    return _Pool(marks.reshape(-1, 3), common.reshape(-1), lengths.reshape(-1), fresh.reshape(-1))


def _place(at: int, n_formulas: int, n_labels: int) -> tuple[int, int, int]:
    """Return formula, label and operator of a candidate that follows `n_formulas` old ones."""
    formula, rest = divmod(at - n_formulas, n_labels * _OPERATORS)
    return formula, *divmod(rest, _OPERATORS)


def _formula(cells: Cells, formulas: Sequence[Formula], at: int) -> Formula:
    """Return a candidate as a formula."""
    if at < len(formulas):
        return formulas[at]
    formula, label, operator = _place(at, len(formulas), cells.n_labels)
    left, leaf = formulas[formula], Leaf(label)
    return (Or(left, leaf), And(left, leaf), And(left, Not(leaf)))[operator]


def _holding(cells: Cells, holds: NDArray[np.bool_], at: int) -> NDArray[np.bool_]:
    """Return where a candidate holds, bool [A]."""
    if at < len(holds):
        return np.asarray(holds[at])
    formula, label, operator = _place(at, len(holds), cells.n_labels)
    left, leaf = holds[formula], cells.holding(label)
    if operator == 0:
        return np.asarray(left | leaf)
    return np.asarray(left & (leaf if operator == 1 else ~leaf))


@dataclass(frozen=True)
class _Chooser:
    """Choice of the candidates to keep (see `search`)."""

    unit_pixels: int
    beam: int
    penalty: float
    official_beam: bool

    def ious(self, pool: _Pool) -> NDArray[np.float64]:
        """Return the IoU of each candidate."""
        pixels = pool.marks[:, 0].astype(np.int64)
        union = pixels + self.unit_pixels - pool.common
        return np.asarray(pool.common / (union + _EPSILON))

    def scores(self, pool: _Pool) -> NDArray[np.float64]:
        """Return the IoU of each candidate times penalty^(length - 1)."""
        longest = int(pool.lengths.max(initial=1))
        # One power per length, so that equal lengths have equal bits and ties remain ties.
        factors = np.array([self.penalty**more for more in range(longest)])
        return np.asarray(self.ious(pool) * factors[pool.lengths - 1])

    def best(self, pool: _Pool) -> NDArray[np.int64]:
        """Return the candidates to keep, best first."""
        scores = self.scores(pool)
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
        self, pool: _Pool, few: NDArray[np.int64], scores: NDArray[np.float64]
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

    def scored(self, formulas: Sequence[Formula], kept: _Pool) -> list[ScoredFormula]:
        """Return the beam as the result of the search."""
        rows = zip(
            formulas,
            kept.lengths.tolist(),
            self.scores(kept).tolist(),
            self.ious(kept).tolist(),
            kept.marks[:, 0].tolist(),
            kept.common.tolist(),
            strict=True,
        )
        return [ScoredFormula(*row) for row in rows]
