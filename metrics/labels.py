"""Rules that compare a label with a true name.

The default rule compares after normalisation, so that `bus_station/indoor`, `bus station-indoor`
and `Bus Station Indoor` are one name, and accepts every listed synonym. The official rule, from the
published code of CLIP-Dissect, asks for equality with the whole published string. It never matches
Places classes of several parts: that code separates them by "/" on one side and "-" on the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metrics.truth import TrueName

_SEPARATORS = re.compile(r"[\s_/\-]+")


@dataclass(frozen=True)
class LabelRules:
    """How labels are compared with true names.

    Attributes:
        official: Compare as the published code does: exact equality of the label with the whole
            published name; synonyms, case and separators are not looked at.
    """

    official: bool = False


@lru_cache(maxsize=1 << 16)
def normalise(text: str) -> str:
    """Fold case, Unicode compatibility forms and separators (blanks, "_", "/", "-") of a name.

    Letters are kept otherwise, so an inflection stays a different name.
    """
    return _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def pieces(label: str) -> tuple[str, ...]:
    """Return the normalised parts of a comma-joined label ("tench, Tinca tinca"), no empty ones."""
    return tuple(part for part in map(normalise, label.split(",")) if part)


@lru_cache(maxsize=1 << 14)
def accepted(truth: TrueName) -> frozenset[str]:
    """Return the normalised names that the default rule accepts: the name and each synonym."""
    forms = {normalise(form) for form in (truth.name, *truth.synonyms)}
    return frozenset(forms - {""})


def matches(label: str, truth: TrueName, rules: LabelRules) -> bool:
    """Return whether a label names the unit.

    A comma-joined label is right when it is the published name, or when each of its parts is an
    accepted name: "maillot, tank suit" is not right for a unit that is only "maillot".

    Args:
        label: One label of a method.
        truth: The unit's true name.
        rules: The rule to judge by.
    """
    if rules.official:
        return label == truth.name
    names = accepted(truth)
    if normalise(label) in names:
        return True
    parts = pieces(label)
    return bool(parts) and all(part in names for part in parts)


def true_concepts(
    truths: Sequence[TrueName], concepts: Sequence[str], rules: LabelRules
) -> list[NDArray[np.int64]]:
    """Return the concepts of a set that are right for each unit.

    The set is indexed once by name, so the cost is C plus the matches and not U times C.

    Args:
        truths: The true names of U units.
        concepts: The C concepts.
        rules: The rule to judge by.

    Returns:
        U ascending arrays of indices into `concepts`; several where the set lists a concept twice
        or lists two accepted names, none where it contains no accepted name.
    """
    return list(_true_concepts(tuple(truths), tuple(concepts), rules))


@lru_cache(maxsize=8)
def _true_concepts(
    truths: tuple[TrueName, ...], concepts: tuple[str, ...], rules: LabelRules
) -> list[NDArray[np.int64]]:
    index: defaultdict[str, list[int]] = defaultdict(list)
    for position, concept in enumerate(concepts):
        # A comma-joined concept is found by its first part and then judged as a whole.
        keys = {concept} if rules.official else {normalise(concept), *pieces(concept)[:1]}
        for key in keys:
            index[key].append(position)
    found = []
    for truth in truths:
        names = {truth.name} if rules.official else accepted(truth)
        candidates = {position for name in names for position in index.get(name, ())}
        right = sorted(c for c in candidates if matches(concepts[c], truth, rules))
        found.append(np.array(right, dtype=np.int64))
    return found
