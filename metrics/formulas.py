"""Names in labels: a formula of mask labels may hold several.

A concept word is one name. A formula counts as each of its names that is the only one of its
category: "(umbrella AND red)" counts as an umbrella and as red; "(umbrella OR anchor)" as neither,
since a list of guesses within one category is no answer. Names behind NOT do not count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

Reader = Callable[[str], tuple[str, ...]]
"""Returns the names in a label; each is scored as a label of its own."""

_TOKEN = re.compile(r"\(|\)|(?<![^\s(])(?:AND|OR|NOT)(?![^\s)])")
_MARK = re.compile(r"-[cs]$")


def clean_mask_label(name: str) -> str:
    """Return a mask label in plain words: without Broden's suffix, with blanks for "_".

    "red-c" (a colour) becomes red, "bus_station-indoor-s" (a scene) bus station-indoor.
    """
    return _MARK.sub("", name).replace("_", " ")


def leaves(formula: str, names: Collection[str] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names that a formula asks for, and those behind NOT, in order.

    Args:
        formula: Such as "((a OR b) AND (NOT c))"; a bare name is a formula too.
        names: Names that hold parentheses or an operator; without them such a name falls apart.
    """
    if formula in names:
        return (formula,), ()
    # Hide names that hold parentheses or operators from the search for operators.
    hidden = {
        name: f"\0{number}\0"
        for number, name in enumerate(sorted(names, key=len, reverse=True))
        if _TOKEN.search(name)
    }
    shown = {mark: name for name, mark in hidden.items()}
    for name, mark in hidden.items():
        formula = re.sub(rf"(?<=[( ]){re.escape(name)}(?=[) ])", mark, formula)
    asked: list[str] = []
    excluded: list[str] = []
    negated = False
    position = 0
    for match in [*_TOKEN.finditer(formula), None]:
        name = formula[position : match.start() if match else None].strip()
        if name:
            (excluded if negated else asked).append(shown.get(name, name))
            negated = False
        if match:
            negated = match[0] == "NOT"
            position = match.end()
    return tuple(asked), tuple(excluded)


@dataclass(frozen=True)
class FormulaReader:
    """Returns the names that a formula counts as; a `Reader`.

    Attributes:
        categories: Category by name, as formulas write the names; a missing name is a category of
            its own.
    """

    categories: Mapping[str, str]

    def __call__(self, label: str) -> tuple[str, ...]:
        """Return the names that are the only ones of their category, in plain words."""
        asked = dict.fromkeys(leaves(label, self.categories)[0])
        place = {name: self.categories.get(name, f"={name}") for name in asked}
        crowd = Counter(place.values())
        return tuple(clean_mask_label(name) for name in asked if crowd[place[name]] == 1)

    def asked(self, label: str) -> tuple[str, ...]:
        """Return all names that are not behind NOT, in plain words."""
        return tuple(map(clean_mask_label, dict.fromkeys(leaves(label, self.categories)[0])))


def split_labels(labels: Sequence[str], reader: Reader | None) -> tuple[list[int], list[str]]:
    """Return all names in some labels: the position of the label of each name, and the name."""
    pairs = [
        (position, name)
        for position, label in enumerate(labels)
        for name in (reader(label) if reader else (label,))
    ]
    return [position for position, _ in pairs], [name for _, name in pairs]


def merge_hits(hits: Sequence[NDArray[np.int64]], owners: Sequence[int]) -> list[NDArray[np.int64]]:
    """Turn hits of names into hits of the labels that hold them.

    Args:
        hits: For each unit, positions in the list of names.
        owners: The label of each name (`split_labels`).

    Returns:
        For each unit the labels' positions, ascending, each once.
    """
    credits = [(own, np.ones(own.size)) for own in hits]
    return [labels for labels, _ in merge_credits(credits, owners)]


def merge_credits(
    credits: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]], owners: Sequence[int]
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Turn credits of names into credits of labels: a label earns what its best name earns."""
    if list(owners) == list(range(len(owners))):  # each label is one name
        return list(credits)
    sizes = [indices.size for indices, _ in credits]
    rows = np.repeat(np.arange(len(sizes)), sizes)
    indices = np.concatenate([np.empty(0, np.int64), *(own for own, _ in credits)])
    earned = np.concatenate([np.empty(0), *(own for _, own in credits)])
    n_labels = 1 + max(owners, default=0)
    label_of = np.asarray(owners, dtype=np.int64)
    keys, place = np.unique(rows * n_labels + label_of[indices], return_inverse=True)
    best = np.zeros(keys.size)
    np.maximum.at(best, place, earned)
    labels = keys % n_labels
    bounds = np.searchsorted(keys, n_labels * np.arange(len(sizes) + 1)).tolist()
    return [(labels[first:end], best[first:end]) for first, end in pairwise(bounds)]
