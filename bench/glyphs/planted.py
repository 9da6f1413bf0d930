"""Planted units: which concepts each of them responds to, drawn from a seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from bench.glyphs.planes import PLANES
from bench.glyphs.raster import Draw
from bench.glyphs.world import plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.glyphs.vocabulary import Concept

Kind = Literal["single", "conjunction", "union", "duplicate", "noise", "dead"]

LEVELS = ("strong", "middle", "weak")
"""The layers of the planted target: the same units with more and more noise."""

CATEGORIES = tuple(plane.category for plane in PLANES)

COLOURED_OBJECTS, COLOURED_TEXTURES = 24, 24
OBJECT_UNIONS, SCENE_UNIONS, COLOUR_UNIONS = 24, 16, 8
DUPLICATES, NOISE, DEAD = 24, 24, 8
"""Numbers of units, besides one for each single concept."""

COUNTED_IMAGES, LEAST_IMAGES = 4000, 8
"""A coloured object is among the first so many probe images at least so many times."""

_T = TypeVar("_T")


@dataclass(frozen=True, order=True)
class ConceptId:
    """A concept of the world: its category (as in Broden) and its index in the vocabulary."""

    category: str
    index: int

    @property
    def concept(self) -> Concept:
        """Name, synonyms and hypernyms."""
        return PLANES[CATEGORIES.index(self.category)].concepts[self.index]


@dataclass(frozen=True)
class PlantedUnit:
    """A unit that is defined by concepts.

    Attributes:
        kind: "single" and "duplicate" (a second unit of the same concept) respond to one concept,
            "conjunction" to things that show both of two, "union" to either of two of one category,
            "noise" and "dead" to none; a dead unit is constant.
        concepts: The concepts.
    """

    kind: Kind
    concepts: tuple[ConceptId, ...] = ()


@cache
def planted_units(seed: int) -> tuple[PlantedUnit, ...]:
    """Return the units of each layer: all single concepts, and a draw of the other kinds."""
    singles = [(ConceptId(p.category, i),) for p in PLANES for i in range(len(p.concepts))]
    of = {name: [one for (one,) in singles if one.category == name] for name in CATEGORIES}
    conjunctions = [
        *_sample(_frequent_coloured_objects(), COLOURED_OBJECTS, Draw(seed, 0)),
        *_sample(
            [(colour, texture) for colour in of["color"] for texture in of["texture"]],
            COLOURED_TEXTURES,
            Draw(seed, 1),
        ),
    ]
    unions = [
        pair
        for number, (category, count) in enumerate(
            (("object", OBJECT_UNIONS), ("scene", SCENE_UNIONS), ("color", COLOUR_UNIONS)), start=2
        )
        for pair in _sample(list(combinations(of[category], 2)), count, Draw(seed, number))
    ]
    return (
        *(PlantedUnit("single", concepts) for concepts in singles),
        *(PlantedUnit("conjunction", concepts) for concepts in conjunctions),
        *(PlantedUnit("union", concepts) for concepts in unions),
        *(PlantedUnit("duplicate", own) for own in _sample(singles, DUPLICATES, Draw(seed, 5))),
        *[PlantedUnit("noise")] * NOISE,
        *[PlantedUnit("dead")] * DEAD,
    )


@cache
def _frequent_coloured_objects() -> tuple[tuple[ConceptId, ConceptId], ...]:
    """Return the pairs of a colour and an object that many probe images show, sorted."""
    shown = Counter(
        (ConceptId("color", thing.colour_id), ConceptId("object", thing.object_id))
        for index in range(COUNTED_IMAGES)
        for thing in plan(index).things
    )
    return tuple(sorted(pair for pair, count in shown.items() if count >= LEAST_IMAGES))


def _sample(items: Sequence[_T], count: int, draw: Draw) -> list[_T]:
    """Draw items without replacement."""
    order = np.argsort(draw.array(len(items)), kind="stable")
    return [items[at] for at in order[:count].tolist()]
