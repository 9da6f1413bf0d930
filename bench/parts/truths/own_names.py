"""From class names as published to the names that are right for each class and for no other.

Lists of classes join synonyms by commas ("projectile, missile"), and some tell classes of one name
apart in the same way ("crane, bird" and "crane, machine"). Not every such part is a right answer:
"missile" may be a class of its own, and "bird" says only which crane is meant.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.parts.truths.table import split
from metrics.inflection import phrase_keys
from metrics.labels import accepted, normalise
from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Mapping


def true_names(published: Mapping[int, str]) -> dict[int, TrueName]:
    """Return the true name of each unit; its synonyms are the class's own names.

    Of the comma-joined parts are left out:
    - another unit's whole name, and another unit's first name that is not this one's first as well;
    - the second part where several units share their first: it tells them apart, and is no name
      ("bird" of "crane, bird"). Where one of them is the first part alone, the others may as well
      have a synonym there, so that only a single word is left out ("maillot, tank suit").

    The whole published name always counts.

    Args:
        published: The name as published, by unit.
    """
    parts = {unit: split(name, ",") or (name,) for unit, name in published.items()}
    folded = {unit: tuple(map(normalise, own)) for unit, own in parts.items()}
    classes = set(folded.values())  # units of one published name are one class
    firsts = Counter(own[0] for own in classes)
    wholes = {own[0] for own in classes if len(own) == 1}
    found = {}
    for unit, name in published.items():
        first, *_ = own = folded[unit]
        shared, bare = firsts[first] > 1, first in wholes
        kept = [
            part
            for place, (part, text) in enumerate(zip(parts[unit], own, strict=True))
            if not (place == 1 and shared and not (bare and " " in text))
            and (text not in firsts or text == first)
            and (text not in wholes or len(own) == 1)
        ]
        found[unit] = TrueName(name, tuple(dict.fromkeys(kept)) or (name,))
    return found


def with_lookalikes(names: Mapping[int, TrueName]) -> dict[int, TrueName]:
    """Return the true names, each with other units' names that read like an inflection of it.

    "sunglasses" is no plural of "sunglass" where it is a class of its own.

    Args:
        names: True names by unit.
    """
    forms = {unit: accepted(name) for unit, name in names.items()}
    bearers: defaultdict[str, set[str]] = defaultdict(set)
    for form in frozenset().union(*forms.values()):
        for key in phrase_keys(form):
            bearers[key].add(form)
    found = {}
    for unit, name in names.items():
        near = {n for form in forms[unit] for key in phrase_keys(form) for n in bearers[key]}
        found[unit] = replace(name, lookalikes=tuple(sorted(near - forms[unit])))
    return found
