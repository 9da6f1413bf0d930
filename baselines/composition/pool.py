"""Candidate formulas of a search, scored all at once from numbers of pixels."""

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

EPSILON = 1e-10
_OPERATORS = 3  # OR l, AND l, AND NOT l, in this order
_ADDED = np.array([1, 1, 2], np.int64)  # added length of each operator


@dataclass(frozen=True, eq=False)
class ScoredFormula:
    """A formula with its score.

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


class Pool(NamedTuple):
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

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Size |f|, int64 [n]."""
        return self.marks[:, 0].astype(np.int64)

    def before(self, *others: Pool) -> Pool:
        """Return this pool followed by others."""
        return Pool._make(map(np.concatenate, zip(self, *others, strict=True)))

    def keep(self, chosen: NDArray[np.int64]) -> Pool:
        """Return the chosen candidates."""
        return Pool._make(column[chosen] for column in self)


@dataclass(frozen=True)
class Scale:
    """How candidates are scored.

    Attributes:
        unit_pixels: Size |u| of the unit's mask.
        penalty: Factor of the score for each unit of length above 1, in (0, 1].
    """

    unit_pixels: int
    penalty: float

    def ious(self, pool: Pool) -> NDArray[np.float64]:
        """Return the IoU of each candidate."""
        union = pool.pixels + self.unit_pixels - pool.common
        return np.asarray(pool.common / (union + EPSILON))

    def scores(self, pool: Pool) -> NDArray[np.float64]:
        """Return the IoU of each candidate times penalty^(length - 1)."""
        return np.asarray(self.ious(pool) * self.factors(pool.lengths))

    def factors(self, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return penalty^(length - 1): equal lengths have equal bits, so that ties remain ties."""
        longest = int(lengths.max(initial=1))
        powers = np.array([self.penalty**more for more in range(longest)])
        return np.asarray(powers[lengths - 1])

    def scored(self, entries: Sequence[Entry], pool: Pool) -> list[ScoredFormula]:
        """Return formulas with the scores of a pool, in its order."""
        rows = zip(
            (entry.formula for entry in entries),
            pool.lengths.tolist(),
            self.scores(pool).tolist(),
            self.ious(pool).tolist(),
            pool.pixels.tolist(),
            pool.common.tolist(),
            strict=True,
        )
        return [ScoredFormula(*row) for row in rows]


class Entry(NamedTuple):
    """A formula, and where it holds, bool [A]."""

    formula: Formula
    holds: NDArray[np.bool_]


class Extender:
    """Extends formulas by every label, for one unit.

    Args:
        cells: Cells of the dataset.
        unit: Where the unit fires.

    Attributes:
        labels: The C labels as candidates.
    """

    def __init__(self, cells: Cells, unit: UnitCells) -> None:
        self._cells, self._unit = cells, unit
        self._weights = unit.counts.astype(np.uint64)[:, None]
        common = self._common(np.ones((1, len(cells)), np.bool_))[0]
        ones = np.ones(cells.n_labels, np.int64)
        self.labels = Pool(cells.label_weights, common, ones, ones > 0)

    def extend(self, kept: Pool, entries: Sequence[Entry]) -> Pool:
        """Return all extensions of F formulas by C labels, [F * C * 3] in the search's order.

        For a formula f, |f AND l| and |u AND f AND l| of all labels l at once give the counts of
        all candidates: |f OR l| = |f| + |l| - |f AND l|, and so on. Hashes are additive too.

        Args:
            kept: The formulas' counts [F].
            entries: The formulas [F].
        """
        labels, holds = self.labels, np.array([entry.holds for entry in entries])
        shared = self._cells.weigh(holds, None, self._cells.weights)
        shared_common = self._common(holds)
        f_marks, f_common = kept.marks[:, None], kept.common[:, None]
        marks = np.stack([f_marks + labels.marks - shared, shared, f_marks - shared], axis=2)
        either = f_common + labels.common - shared_common
        common = np.stack([either, shared_common, f_common - shared_common], axis=2)
        lengths = np.broadcast_to(kept.lengths[:, None, None] + _ADDED, common.shape)
        # Most labels do not overlap a formula, so that f AND NOT l is f.
        fresh = (marks != kept.marks[:, None, None]).any(axis=3)
        flat = common.reshape(-1), lengths.reshape(-1), fresh.reshape(-1)
        return Pool(marks.reshape(-1, 3), *flat)

    def leaf(self, label: int) -> Entry:
        """Return a label as a formula."""
        return Entry(Leaf(label), self._cells.holding(label))

    def step(self, entry: Entry, step: int) -> Entry:
        """Return one extension of a formula, by its position among the C * 3 of `extend`."""
        label, operator = divmod(step, _OPERATORS)
        left, (leaf, holds) = entry, self.leaf(label)
        if operator == 0:
            return Entry(Or(left.formula, leaf), left.holds | holds)
        if operator == 1:
            return Entry(And(left.formula, leaf), left.holds & holds)
        return Entry(And(left.formula, Not(leaf)), left.holds & ~holds)

    def split(self, at: int) -> tuple[int, int]:
        """Return formula and step of an extension, by its position in the pool of `extend`."""
        return divmod(at, self._cells.n_labels * _OPERATORS)

    def _common(self, holds: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return |u AND f AND l| of formulas and labels, int64 [F, C]."""
        sums = self._cells.weigh(holds, self._unit.cells, self._weights)
        return sums[:, :, 0].astype(np.int64)
