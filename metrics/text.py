"""Cosines between labels and true names, given an embedder of unit-norm text vectors.

A true name with synonyms is embedded in two ways: as the whole published string ("tench, Tinca
tinca", as in the published tables), or as each of its synonyms, of which the best counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from metrics.truth import TrueName

Embedder = Callable[[Sequence[str]], NDArray[np.float32]]

_TILE_FLOATS = 4_000_000


class EmbeddingError(ValueError):
    """An embedder returned something else than one unit-norm vector per text."""


def embed(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed texts and check what comes back.

    Returns:
        Unit-norm vectors, float32 [n texts, D].

    Raises:
        EmbeddingError: Wrong shape, or vectors that are not finite and of norm 1 (to 1e-3).
    """
    vectors = np.asarray(embedder(texts), dtype=np.float32)
    if vectors.ndim != 2 or vectors.shape[0] != len(texts):
        raise EmbeddingError(f"{len(texts)} texts gave an array of shape {vectors.shape}")
    norms = np.linalg.norm(vectors, axis=1)
    off = np.flatnonzero(~(np.abs(norms - 1) < 1e-3))
    if off.size:
        text, norm = texts[int(off[0])], float(norms[off[0]])
        raise EmbeddingError(f"the vector of {text!r} has norm {norm:g}; unit norm is needed")
    return vectors


@dataclass(frozen=True)
class TextCosines:
    """Cosine of every concept with every unit's truth: the best over the unit's strings.

    Attributes:
        concepts: Concept vectors, float32 [C, D].
        strings: Truth vectors, float32 [S, D], those of one unit together.
        starts: First string of each of R units, int64 [R]; each unit has at least one.
    """

    concepts: NDArray[np.float32]
    strings: NDArray[np.float32]
    starts: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of strings of each unit, int64 [R]."""
        return np.diff(self.starts, append=len(self.strings))

    def pairs(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return cosines of single pairs of a unit and a concept, in float64.

        Each pair is computed alone, so a value does not depend on the rest of the set.

        Args:
            rows: Units [P].
            columns: Concepts [P].

        Returns:
            Cosines, float64 [P].
        """
        if rows.size == 0:
            return np.empty(0)
        counts = self.counts[rows]
        firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        within = np.arange(counts.sum()) - np.repeat(firsts, counts)
        left = self.strings[np.repeat(self.starts[rows], counts) + within].astype(np.float64)
        right = self.concepts[np.repeat(columns, counts)].astype(np.float64)
        return np.asarray(np.maximum.reduceat(np.einsum("pd,pd->p", left, right), firsts))

    def columns(self, concepts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the cosines of all units with L concepts, float64 [R, L]."""
        chosen = self.concepts[concepts].astype(np.float64)
        cosines = self.strings.astype(np.float64) @ chosen.T
        found: NDArray[np.float64] = np.maximum.reduceat(cosines, self.starts, axis=0)
        return found

    def tiles(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield the whole table, some units at a time.

        Yields:
            A slice of units and their cosines, float32 [units of the slice, C].
        """
        ends = np.append(self.starts[1:], len(self.strings))
        step = max(1, int(_TILE_FLOATS / max(1, len(self.concepts)) / max(1, self.counts.max())))
        for start in range(0, len(self.starts), step):
            stop = min(start + step, len(self.starts))
            first, last = self.starts[start], ends[stop - 1]
            cosines = self.strings[first:last] @ self.concepts.T
            if last - first > stop - start:
                cosines = np.maximum.reduceat(cosines, self.starts[start:stop] - first, axis=0)
            yield slice(start, stop), cosines


def truth_strings(truths: Sequence[TrueName]) -> list[str]:
    """Return all different strings that the cosines need: published names and synonyms."""
    return list(dict.fromkeys(text for t in truths for text in (t.name, *t.synonyms)))


def text_cosines(
    truths: Sequence[TrueName],
    concept_vectors: NDArray[np.float32],
    string_vectors: NDArray[np.float32],
    *,
    best_synonym: bool,
) -> TextCosines:
    """Return the cosines of concepts with true names.

    Args:
        truths: True names of R units, at least one.
        concept_vectors: Unit-norm vectors of the concepts, float32 [C, D].
        string_vectors: Those of `truth_strings(truths)`, float32 [S, D].
        best_synonym: Take the best of the listed synonyms instead of the published name.
    """
    place = {text: number for number, text in enumerate(truth_strings(truths))}
    wanted = [[place[s] for s in (t.synonyms if best_synonym else (t.name,))] for t in truths]
    starts = np.cumsum([0, *map(len, wanted)])[:-1].astype(np.int64)
    order = np.array([number for numbers in wanted for number in numbers], dtype=np.int64)
    return TextCosines(concept_vectors, string_vectors[order], starts)
