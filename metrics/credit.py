"""Credits: what every concept would score for every unit, in little memory.

The controls need three summaries of each metric: the mean over concepts for a unit, the best
concept for a unit, and the mean over units for a concept. The full table of units by concepts is
never kept: at 20,000 concepts it is mostly zeros (accuracy, lexical match) or computed once in
tiles (cosines).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrics.text import TextCosines

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Table(Protocol):
    """Random access to credits."""

    def pairs(self, rows: Indices, columns: Indices) -> Floats:
        """Return the credits of pairs of a unit and a concept, float64 [P]."""

    def columns(self, concepts: Indices) -> Floats:
        """Return the credits of all units for L different ascending concepts, float64 [R, L]."""


@dataclass(frozen=True)
class Credit:
    """A metric's table of R units by V concepts, summarised.

    Attributes:
        table: Access to single pairs.
        row_mean: What a uniformly random concept is expected to score, float64 [R].
        row_best: What the best concept scores, float64 [R].
        column_sum: What each concept scores, summed over each of S subsets of the units,
            float64 [S, V].
    """

    table: Table
    row_mean: Floats
    row_best: Floats
    column_sum: Floats

    def column(self, concept: int) -> Floats:
        """Return what one concept scores for every unit, float64 [R]."""
        rows = np.arange(len(self.row_mean))
        return self.table.pairs(rows, np.full_like(rows, concept))

    def own(self, labels: Indices, silent: Floats) -> Floats:
        """Return what each unit's own label scores.

        Args:
            labels: Concept of each unit [R]; -1 for a unit without a label.
            silent: What a unit without a label scores [R].
        """
        named = np.flatnonzero(labels >= 0)
        values = silent.astype(np.float64, copy=True)
        values[named] = self.table.pairs(named, labels[named])
        return values


@dataclass(frozen=True)
class SparseTable:
    """A table that is 0 except for listed entries.

    Attributes:
        entries: For each of R units, ascending concept indices and their credits.
    """

    entries: Sequence[tuple[Indices, Floats]]

    def pairs(self, rows: Indices, columns: Indices) -> Floats:
        """Return the credits of pairs of a unit and a concept, float64 [P]."""
        values = np.zeros(len(rows))
        for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
            indices, credits = self.entries[row]
            place = int(np.searchsorted(indices, column))
            if place < indices.size and indices[place] == column:
                values[number] = credits[place]
        return values

    def columns(self, concepts: Indices) -> Floats:
        """Return the credits of all units for L different ascending concepts, float64 [R, L]."""
        values = np.zeros((len(self.entries), concepts.size))
        for row, (indices, credits) in enumerate(self.entries):
            _, chosen, own = np.intersect1d(concepts, indices, return_indices=True)
            values[row, chosen] = credits[own]
        return values


def sparse_credit(
    entries: Sequence[tuple[Indices, Floats]], n_concepts: int, subsets: NDArray[np.bool_]
) -> Credit:
    """Summarise a table given by its entries.

    Args:
        entries: For each of R units, ascending concept indices and their credits.
        n_concepts: V, the number of concepts.
        subsets: Subsets of the units, bool [S, R].
    """
    sums = np.zeros((len(subsets), n_concepts))
    means, best = np.zeros(len(entries)), np.zeros(len(entries))
    for row, (indices, credits) in enumerate(entries):
        if indices.size:
            means[row] = credits.sum() / n_concepts
            best[row] = credits.max()
            sums[np.ix_(subsets[:, row], indices)] += credits
    return Credit(SparseTable(entries), means, best, sums)


def cosine_credit(cosines: TextCosines, subsets: NDArray[np.bool_]) -> Credit:
    """Summarise a table of cosines, one tile of units at a time.

    Args:
        cosines: Cosines of R units with V concepts.
        subsets: Subsets of the units, bool [S, R].
    """
    n_rows, n_concepts = len(cosines.starts), len(cosines.concepts)
    sums = np.zeros((len(subsets), n_concepts))
    means, best = np.empty(n_rows), np.empty(n_rows, dtype=np.int64)
    for rows, tile in cosines.tiles():
        means[rows] = tile.mean(axis=1, dtype=np.float64)
        best[rows] = tile.argmax(axis=1)
        sums += subsets[:, rows].astype(np.float64) @ tile
    return Credit(cosines, means, cosines.pairs(np.arange(n_rows), best), sums)
