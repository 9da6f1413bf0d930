"""Compare a label with all concepts that a unit responds to, as sets.

A label is read as a set of concepts: a formula as its names that are not negated, a sentence as the
concepts of the layer that it mentions as whole words, a true name of the layer as the concepts of
that unit, and any other label as each of its comma-joined parts. Names are equal where they are the
same, synonyms, or inflections of one another; operators and broader names do not count.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from metrics.formulas import FormulaReader
from metrics.inflection import phrase_keys
from metrics.labels import accepted, normalise, pieces
from metrics.sentences import Lexicon, SentenceReader, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metrics.formulas import Reader
    from metrics.truth import TrueName

Concepts = frozenset[frozenset[str]]
"""What a label says: for each name in it, the concepts that it may stand for, by normalised name;
the name itself where it stands for no concept of the layer."""


def has_concept_sets(layer: Sequence[TrueName]) -> bool:
    """Return whether true names of a layer list the concepts of their units."""
    return any(truth.concepts for truth in layer)


def concepts_of(truth: TrueName) -> frozenset[str]:
    """Return the normalised names of a unit's concepts; its own name where it lists none."""
    return frozenset(map(normalise, truth.concepts or (truth.name,)))


class ConceptReader:
    """Reads labels as sets of concepts of a layer."""

    def __init__(self, layer: Sequence[TrueName], reader: Reader | None) -> None:
        """Index the concepts of a layer.

        Args:
            layer: All true names of the layer.
            reader: What finds names in labels; None where a label is a name itself.
        """
        self._reader = reader
        self._names: dict[str, set[str]] = {}
        self._sets: dict[str, frozenset[str]] = {}
        for truth in layer:
            own = concepts_of(truth)
            for concept in own:
                self._names.setdefault(concept, {concept})
            for name in accepted(truth):
                if own == {normalise(truth.name)}:
                    self._names.setdefault(name, set()).update(own)
                else:
                    self._sets.setdefault(name, own)
        self._inflected: defaultdict[str, set[str]] = defaultdict(set)
        for name, concepts in self._names.items():
            for key in phrase_keys(name):
                self._inflected[key] |= concepts

    def __call__(self, label: str) -> Concepts:
        """Return the concepts that a label says."""
        if isinstance(self._reader, SentenceReader):
            found = self._lexicon.find(fold(label))
            return frozenset(
                frozenset(self._order[number] for number in mention.concepts) for mention in found
            )
        names = self._reader.asked(label) if isinstance(self._reader, FormulaReader) else (label,)
        return frozenset(concept for name in names for concept in self._read(name))

    def _read(self, name: str) -> list[frozenset[str]]:
        whole = normalise(name)
        if whole in self._sets and whole not in self._names:
            return [frozenset({concept}) for concept in self._sets[whole]]
        parts = (whole,) if whole in self._names else pieces(name)
        return [self._look_up(part) for part in parts]

    def _look_up(self, name: str) -> frozenset[str]:
        """Return the concepts of a name; one that is listed is no inflection of another."""
        if name in self._names:
            return frozenset(self._names[name])
        found = {c for key in phrase_keys(name) for c in self._inflected.get(key, ())}
        return frozenset(found or {name})

    @cached_property
    def _order(self) -> list[str]:
        return sorted({concept for concepts in self._names.values() for concept in concepts})

    @cached_property
    def _lexicon(self) -> Lexicon:
        lexicon = Lexicon()
        place = {concept: number for number, concept in enumerate(self._order)}
        for name in sorted(self._names):
            for concept in self._names[name]:
                lexicon.add(name, place[concept])
        return lexicon


def concept_iou(said: Concepts, true: frozenset[str]) -> float:
    """Return |A ∩ T| / |A ∪ T| of a label's concepts A and a unit's concepts T.

    A name that may stand for several concepts counts as one of them.
    """
    shared = n_shared(said, true)
    return shared / (len(said) + len(true) - shared)


def n_shared(said: Concepts, true: frozenset[str]) -> int:
    """Return how many of a unit's concepts a label says."""
    left = set(true)
    for names in sorted(said, key=lambda names: (len(names & true), sorted(names))):
        if hit := names & left:
            left.discard(min(hit))
    return len(true) - len(left)


def concept_credits(
    truths: Sequence[TrueName],
    layer: Sequence[TrueName],
    texts: Sequence[str],
    reader: Reader | None,
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return the labels that share a concept with each unit, and their IoU.

    The labels are indexed once by their concepts, so the cost is V plus the hits.

    Args:
        truths: True names of R units.
        layer: All true names of the layer.
        texts: V labels.
        reader: What finds names in labels; None where a label is a name itself.

    Returns:
        R pairs (ascending indices into `texts`, their IoU); labels left out share nothing.
    """
    read = ConceptReader(layer, reader)
    said = [read(text) for text in texts]
    index: defaultdict[str, set[int]] = defaultdict(set)
    for number, concepts in enumerate(said):
        for concept in frozenset().union(*concepts):
            index[concept].add(number)
    found = []
    for truth in truths:
        true = concepts_of(truth)
        sharing = sorted({number for concept in true for number in index.get(concept, ())})
        values = [concept_iou(said[number], true) for number in sharing]
        found.append((np.array(sharing, np.int64), np.array(values, np.float64)))
    return found
