"""The true names of planted units."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.errors import UserError
from bench.glyphs.planted import planted_units
from bench.glyphs.vocabulary import COLOURS, OBJECTS
from bench.parts.optional_protocols import HasUnitsWithoutConcept
from bench.parts.truths import PlantedTruth
from metrics.lexical import lexical_match


def test_each_unit_with_a_concept_has_a_name_and_its_kind_as_the_group() -> None:
    truth = PlantedTruth()
    names, units = truth.names(), planted_units(0)
    assert Counter(name.group for name in names.values()) == {
        "single": 128, "conjunction": 48, "union": 48, "duplicate": 24,
    }  # fmt: skip
    assert isinstance(truth, HasUnitsWithoutConcept)
    silent = [number for number, unit in enumerate(units) if unit.kind in ("noise", "dead")]
    assert sorted(truth.without_concept()) == silent
    assert set(silent) | set(names) == set(range(len(units)))
    for number, name in names.items():
        assert units[number].kind == name.group
        assert name.concepts == tuple(one.concept.name for one in units[number].concepts)


def test_names_of_two_concepts_are_said_in_words_and_one_of_them_is_half_right() -> None:
    names = PlantedTruth().names()
    units = planted_units(0)
    unit = next(
        number for number, unit in enumerate(units)
        if unit.kind == "conjunction" and unit.concepts[1].category == "object"
    )  # fmt: skip
    colour, thing = (units[unit].concepts[at].index for at in (0, 1))
    colour_name, thing_name = COLOURS[colour].name, OBJECTS[thing].name
    name = names[unit]
    assert name.name == f"{colour_name} {thing_name}"
    assert lexical_match(f"{COLOURS[colour].synonyms[0]} {thing_name}", name) == 1
    assert lexical_match(colour_name, name) == lexical_match(thing_name, name) == 0.5
    either = next(name for name in names.values() if name.group == "union")
    first, second = either.concepts
    assert either.name == f"{first} or {second}"
    assert lexical_match(f"{second} or {first}", either) == 1
    assert lexical_match(second, either) == 0.5
    assert lexical_match(f"{first} and {second}", either) == 0


def test_names_follow_the_seed() -> None:
    assert PlantedTruth(1).names() != PlantedTruth().names()
    with pytest.raises(UserError, match="invalid seed -1"):
        PlantedTruth(-1)
