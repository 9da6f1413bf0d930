"""What a label says in so many names: a formula of mask labels may name several things.

A concept word says itself. A formula says each name that it asks for and that stands alone in its
category: "(umbrella AND red)" says an umbrella and says red, "(umbrella OR anchor)" says neither,
for a list of guesses within one category is no answer. What stands behind NOT is not said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

Reader = Callable[[str], tuple[str, ...]]
"""From a label to the names that it says; each is judged as a label of its own."""

_TOKEN = re.compile(r"\(|\)|(?<![^\s(])(?:AND|OR|NOT)(?![^\s)])")
_MARK = re.compile(r"-[cs]$")


def clean_mask_label(name: str) -> str:
    """A mask label in plain words: without Broden's suffix and with blanks for "_".

    "red-c" (a colour) is red, "bus_station-indoor-s" (a scene) is bus station-indoor.
    """
    return _MARK.sub("", name).replace("_", " ")


def leaves(formula: str, names: Collection[str] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that a formula asks for, and those that stand behind NOT, in order.

    Args:
        formula: Such as "((a OR b) AND (NOT c))"; a bare name is a formula too.
        names: Names that hold parentheses or an operator; without them such a name falls apart.
    """
    if formula in names:
        return (formula,), ()
    # Where a name may stand its own parentheses are hidden from the search for operators.
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


def formula_reader(categories: Mapping[str, str]) -> Reader:
    """A reader of formulas.

    Args:
        categories: Category by name, as the names stand in formulas; a name that is missing is a
            category of its own.
    """

    def read(label: str) -> tuple[str, ...]:
        asked = dict.fromkeys(leaves(label, categories)[0])
        place = {name: categories.get(name, f"={name}") for name in asked}
        crowd = Counter(place.values())
        return tuple(clean_mask_label(name) for name in asked if crowd[place[name]] == 1)

    return read


def spread(labels: Sequence[str], reader: Reader | None) -> tuple[list[int], list[str]]:
    """All names that some labels say: for each its label's position, and the name."""
    pairs = [
        (position, name)
        for position, label in enumerate(labels)
        for name in (reader(label) if reader else (label,))
    ]
    return [position for position, _ in pairs], [name for _, name in pairs]


def gather_hits(
    hits: Sequence[NDArray[np.int64]], sayers: Sequence[int]
) -> list[NDArray[np.int64]]:
    """From names to the labels that say them.

    Args:
        hits: For each unit, positions in the list of names.
        sayers: The label of each name (`spread`).

    Returns:
        For each unit the labels' positions, ascending, each once.
    """
    owners = np.asarray(sayers, dtype=np.int64)
    return [np.unique(owners[indices]) for indices in hits]


def gather_credits(
    credits: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]], sayers: Sequence[int]
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """As `gather_hits` for credits: a label earns what its best name earns."""
    owners = np.asarray(sayers, dtype=np.int64)
    found = []
    for indices, earned in credits:
        labels, place = np.unique(owners[indices], return_inverse=True)
        best = np.zeros(len(labels))
        np.maximum.at(best, place, earned)
        found.append((labels, best))
    return found
