"""True names of planted units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, ClassVar

from bench.parts.checks import check_not_negative
from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.glyphs.planted import PlantedUnit
    from bench.glyphs.vocabulary import Concept


@dataclass(frozen=True)
class PlantedTruth:
    """The names of the concepts that each planted unit is defined by, with the kind as the group.

    A conjunction is a "red umbrella", a union "umbrella or anchor"; the name of one of the two
    concepts alone is half right. Noise and dead units have no name.

    Attributes:
        seed: Seed of the target.
    """

    summary: ClassVar[str] = "concepts of planted units"

    seed: int = 0

    def __post_init__(self) -> None:
        check_not_negative(self.seed, "target.truth.params.seed")

    def names(self) -> Mapping[int, TrueName]:
        """Return true names by unit."""
        return self._names

    def without_concept(self) -> frozenset[int]:
        """Return the noise and dead units."""
        from bench.glyphs.planted import planted_units

        return frozenset(range(len(planted_units(self.seed)))) - self._names.keys()

    @cached_property
    def _names(self) -> Mapping[int, TrueName]:
        from bench.glyphs.planted import planted_units

        units = enumerate(planted_units(self.seed))
        return {number: _true_name(unit) for number, unit in units if unit.concepts}


def _true_name(unit: PlantedUnit) -> TrueName:
    concepts = [one.concept for one in unit.concepts]
    parts = [_names_of(concept) for concept in concepts]
    if len(concepts) == 1:
        synonyms, broader = parts[0], concepts[0].hypernyms
    else:
        joint = " or " if unit.kind == "union" else " "
        orders = (parts, parts[::-1]) if unit.kind == "union" else (parts,)
        synonyms = tuple(joint.join(names) for order in orders for names in product(*order))
        broader = tuple(name for names in parts for name in names)
    own = tuple(concept.name for concept in concepts)
    return TrueName(synonyms[0], synonyms, broader, unit.kind, concepts=own)


def _names_of(concept: Concept) -> tuple[str, ...]:
    return tuple(dict.fromkeys((concept.name, *concept.synonyms)))
