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


@dataclass(frozen=True, eq=False)
class SparseTable:
    """A table of R units by V concepts that is 0 except for E listed entries.

    Attributes:
        shape: (R, V).
        rows: Unit of each entry, ascending [E].
        concepts: Its concept, ascending for each unit [E].
        credits: Its credit [E].
    """

    shape: tuple[int, int]
    rows: Indices
    concepts: Indices
    credits: Floats

    def pairs(self, rows: Indices, columns: Indices) -> Floats:
        """Return the credits of pairs of a unit and a concept, float64 [P]."""
        listed = self.rows * self.shape[1] + self.concepts
        return _look_up(listed, self.credits, rows * self.shape[1] + columns)

    def columns(self, concepts: Indices) -> Floats:
        """Return the credits of all units for L different ascending concepts, float64 [R, L]."""
        values = np.zeros((self.shape[0], concepts.size))
        chosen = np.isin(self.concepts, concepts)
        places = np.searchsorted(concepts, self.concepts[chosen])
        values[self.rows[chosen], places] = self.credits[chosen]
        return values


def _look_up(keys: Indices, values: Floats, wanted: Indices) -> Floats:
    """Return the values of some keys, 0 for a missing one; `keys` ascend."""
    places = np.searchsorted(keys, wanted)
    found = np.zeros(wanted.size)
    inside = np.flatnonzero(places < keys.size)
    inside = inside[keys[places[inside]] == wanted[inside]]
    found[inside] = values[places[inside]]
    return found


def sparse_credit(
    entries: Sequence[tuple[Indices, Floats]], n_concepts: int, subsets: NDArray[np.bool_]
) -> Credit:
    """Summarise a table given by its entries.

    Args:
        entries: For each of R units, ascending concept indices and their credits.
        n_concepts: V, the number of concepts.
        subsets: Subsets of the units, bool [S, R].
    """
    n = len(entries)
    sizes = np.array([indices.size for indices, _ in entries], dtype=np.int64)
    rows = np.repeat(np.arange(n), sizes)
    concepts = np.concatenate([np.empty(0, np.int64), *(indices for indices, _ in entries)])
    credits = np.concatenate([np.empty(0), *(values for _, values in entries)])
    starts = np.cumsum(sizes) - sizes
    means, best = np.zeros(n), np.zeros(n)
    for size in np.unique(sizes[sizes > 0]).tolist():
        # Sum rows of one size at once: the order of the summands is that of a sum of one row.
        chosen = np.flatnonzero(sizes == size)
        block = credits[starts[chosen, None] + np.arange(size)]
        means[chosen] = block.sum(axis=1) / n_concepts
        best[chosen] = block.max(axis=1)
    sums = np.zeros((len(subsets), n_concepts))
    for own, subset in zip(sums, subsets, strict=True):
        inside = subset[rows]
        own += np.bincount(concepts[inside], credits[inside], n_concepts)
    return Credit(SparseTable((n, n_concepts), rows, concepts, credits), means, best, sums)


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
