"""Published class names, and the names that identify each class.

Lists of classes join synonyms by commas ("projectile, missile"), but also distinguish classes of
one name in this way ("crane, bird" and "crane, machine"). A part is not always a correct answer:
"missile" may be another class, and "bird" only specifies the crane.
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
    """Return the true name of each unit; its synonyms identify no other class.

    Of the comma-separated parts, leave out:
    - the whole name of another unit, and the first part of another unit unless it is also the first
      part of this unit;
    - the second part if several units share their first part, since it distinguishes them ("bird"
      of "crane, bird"). If one of these units consists of the first part only, the second parts of
      the others may be synonyms, so leave out only single words ("maillot, tank suit").

    The whole published name always counts.

    Args:
        published: The published names, by unit.
    """
    parts = {unit: split(name, ",") or (name,) for unit, name in published.items()}
    folded = {unit: tuple(map(normalise, own)) for unit, own in parts.items()}
    classes = set(folded.values())  # units with the same published name are one class
    firsts = Counter(own[0] for own in classes)
    wholes = {own[0] for own in classes if len(own) == 1}
    names = {}
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
        names[unit] = TrueName(name, tuple(dict.fromkeys(kept)) or (name,))
    return names


def add_lookalikes(names: Mapping[int, TrueName]) -> dict[int, TrueName]:
    """Return true names with other units' names that look like inflections of them.

    "sunglasses" is not the plural of "sunglass" if it is another class.

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
