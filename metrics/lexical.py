"""`lexical_match`: compare label and true name as words, without any embedding.

1 for the name or a listed synonym, exact or inflected, except for another unit's name that only
looks like an inflection; 0.5 for a listed hypernym, exact or inflected; else 0. It cannot be
circular, so it is the headline where the labelling encoder and the judge share a text tower. The
rules of `metrics.inflection` are fixed.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from metrics.inflection import phrase_keys
from metrics.labels import accepted, normalise, pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metrics.truth import TrueName

SYNONYM_CREDIT = 1.0
HYPERNYM_CREDIT = 0.5


@lru_cache(maxsize=1 << 14)
def _keys(truth: TrueName) -> tuple[frozenset[str], frozenset[str]]:
    """Return the keys of names that earn full credit, and of names that earn half."""
    full = {key for name in accepted(truth) for key in phrase_keys(name)}
    names = {normalise(name) for name in truth.hypernyms} - {""}
    half = {key for name in names for key in phrase_keys(name)}
    return frozenset(full), frozenset(half)


def _phrase_credit(phrase: str, truth: TrueName) -> float:
    full, half = _keys(truth)
    keys = phrase_keys(phrase)
    if keys & full and phrase not in truth.lookalikes:
        return SYNONYM_CREDIT
    return HYPERNYM_CREDIT if keys & half else 0.0


def lexical_match(label: str, truth: TrueName) -> float:
    """Return the credit of one label for one unit: 1, 0.5 or 0.

    A comma-joined label earns the credit of its worst part, or 1 if it is the whole published name,
    so that listing many guesses earns nothing.
    """
    whole = normalise(label)
    if not whole:
        return 0.0
    if whole in accepted(truth):
        return SYNONYM_CREDIT
    parts = pieces(label)
    return min((_phrase_credit(part, truth) for part in parts), default=0.0)


def lexical_credits(
    truths: Sequence[TrueName], concepts: Sequence[str]
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return the concepts that earn credit for each unit, equal to `lexical_match` pair by pair.

    The set is indexed once by the bases of its words, so the cost is C plus the hits.

    Args:
        truths: The true names of U units.
        concepts: The C concepts.

    Returns:
        U pairs (ascending indices into `concepts`, their credits); concepts left out earn 0.
    """
    return list(_lexical_credits(tuple(truths), tuple(concepts)))


@lru_cache(maxsize=8)
def _lexical_credits(
    truths: tuple[TrueName, ...], concepts: tuple[str, ...]
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    index: defaultdict[str, list[int]] = defaultdict(list)
    for position, concept in enumerate(concepts):
        whole = normalise(concept)
        parts = {whole, *pieces(concept)[:1]} if whole else set()
        for key in {key for part in parts for key in phrase_keys(part)}:
            index[key].append(position)
    found = []
    for truth in truths:
        full, half = _keys(truth)
        candidates = sorted({c for key in full | half for c in index.get(key, ())})
        credits = np.array([lexical_match(concepts[c], truth) for c in candidates], np.float64)
        earned = credits > 0
        found.append((np.array(candidates, np.int64)[earned], credits[earned]))
    return found
