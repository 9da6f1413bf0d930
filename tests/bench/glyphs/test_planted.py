"""Planted units against plain computations on rendered images."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from bench.glyphs import planted_maps
from bench.glyphs.areas import Areas, measure_areas
from bench.glyphs.counter_noise import noise, streams
from bench.glyphs.planted import LEVELS, ConceptId, PlantedUnit, planted_units
from bench.glyphs.planted_maps import PlantedMaps, deviations, shown_regions
from bench.glyphs.vocabulary import all_concepts
from bench.glyphs.world import Sample, plan, render
from leaderboards.hashing import sha256_json


def test_each_concept_has_a_unit_and_the_other_kinds_their_numbers() -> None:
    units = planted_units(0)
    assert Counter(unit.kind for unit in units) == {
        "single": 128, "conjunction": 48, "union": 48, "duplicate": 24, "noise": 24, "dead": 8,
    }  # fmt: skip
    singles = [unit.concepts for unit in units if unit.kind == "single"]
    assert {one.concept.name for (one,) in singles} == set(all_concepts())
    for kind in ("conjunction", "union", "duplicate"):
        drawn = [unit.concepts for unit in units if unit.kind == kind]
        assert len(set(drawn)) == len(drawn)
    assert {unit.concepts for unit in units if unit.kind == "duplicate"} <= set(singles)
    for unit in units:
        categories = [one.category for one in unit.concepts]
        if unit.kind == "union":
            assert categories[0] == categories[1]
            assert unit.concepts[0] < unit.concepts[1]
        elif unit.kind == "conjunction":
            assert categories in (["color", "object"], ["color", "texture"])
        else:
            assert len(categories) == (unit.kind in ("single", "duplicate"))


def test_the_units_of_a_seed_stay_the_same() -> None:
    content = [
        [unit.kind, *((one.category, one.index) for one in unit.concepts)]
        for unit in planted_units(0)
    ]
    assert sha256_json(content)[:16] == "3bc6a2f0cbb9573d"
    assert planted_units(1) != planted_units(0)
    assert planted_units(1)[:128] == planted_units(0)[:128]


def test_the_probe_images_show_each_conjunction() -> None:
    shown = Counter(
        (("color", thing.colour_id), pair)
        for index in range(4000)
        for thing in plan(index).things
        for pair in (("object", thing.object_id), ("texture", thing.texture_id))
    )
    for unit in planted_units(0):
        if unit.kind == "conjunction":
            colour, other = ((one.category, one.index) for one in unit.concepts)
            assert shown[colour, other] >= 8


def plain_map(unit: PlantedUnit, sample: Sample) -> np.ndarray:
    """Return the share of each 16 x 16 cell that a unit's concepts cover, pixel by pixel."""
    mask = np.zeros((128, 128))
    regions = [({("scene", sample.scene_id)}, sample.scene_mask)]
    for one in sample.instances:
        own = {("object", one.object_id), ("color", one.colour_id), ("texture", one.texture_id)}
        regions.append((own, one.mask))
    wanted = {(one.category, one.index) for one in unit.concepts}
    for own, pixels in regions:
        fires = wanted <= own if unit.kind == "conjunction" else wanted & own
        if fires and wanted:
            mask[pixels] = 1
    return np.array(
        [[mask[16 * y : 16 * y + 16, 16 * x : 16 * x + 16].mean() for x in range(8)]
         for y in range(8)]
    )  # fmt: skip


@pytest.mark.parametrize("variant", ["val", "scenes_only"])
def test_maps_without_noise_are_the_areas_of_concepts(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(planted_maps.NOISE, "middle", 0.0)
    maps = PlantedMaps(0, "middle", variant, 4, offset=100)
    found = np.concatenate(list(maps.batches()))
    assert found.shape == (4, 280, 8, 8)
    assert found.dtype == np.float32
    for row in range(4):
        sample = render(100 + row, variant)
        for number, unit in enumerate(maps.units):
            assert (found[row, number] == plain_map(unit, sample)).all()
    assert np.allclose(maps.means, found.mean(axis=(2, 3)), atol=1e-6)


def test_a_conjunction_needs_one_thing_that_shows_both() -> None:
    red, blue = ConceptId("color", 0), ConceptId("color", 4)
    umbrella = ConceptId("object", 2)
    units = (
        PlantedUnit("conjunction", (red, umbrella)),
        PlantedUnit("conjunction", (blue, umbrella)),
        PlantedUnit("union", (red, blue)),
        PlantedUnit("noise"),
    )
    nothing = [-1, -1, 7, -1]  # a scene
    blue_umbrella, red_anchor = [4, 2, -1, 0], [0, 5, -1, 0]
    image = Areas(
        np.zeros((1, 3, 64), np.float32), np.array([[nothing, blue_umbrella, red_anchor]])
    )
    assert shown_regions(units, image)[0].tolist() == [
        [False, False, False],
        [False, True, False],
        [False, True, True],
        [False, False, False],
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_a_smaller_probe_set_is_a_prefix_of_a_larger_one(level: str) -> None:
    whole = PlantedMaps(3, level, "val", 20)
    found = np.concatenate(list(whole.batches()))
    assert (np.concatenate(list(PlantedMaps(3, level, "val", 11).batches())) == found[:11]).all()
    assert (np.concatenate(list(PlantedMaps(3, level, "val", 7, 9).batches())) == found[9:16]).all()
    assert (PlantedMaps(3, level, "val", 11).means == whole.means[:11]).all()


def test_seeds_levels_variants_and_duplicates_have_noise_of_their_own() -> None:
    first = PlantedMaps(0, "weak", "val", 6)
    others = [
        PlantedMaps(1, "weak", "val", 6),
        PlantedMaps(0, "strong", "val", 6),
        PlantedMaps(0, "weak", "half", 6),
    ]
    noisy = [number for number, unit in enumerate(first.units) if unit.kind == "noise"]
    drawn = [np.concatenate(list(maps.batches()))[:, noisy].ravel() for maps in [first, *others]]
    for one, other in combinations(drawn, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.05
    twin = next(unit for unit in first.units if unit.kind == "duplicate")
    pair = [number for number, unit in enumerate(first.units) if unit.concepts == twin.concepts]
    maps = np.concatenate(list(first.batches()))[:, pair]
    assert not np.isclose(maps[:, 0], maps[:, 1]).any()


def test_dead_units_are_constant_and_the_noise_follows_level_and_area() -> None:
    maps = PlantedMaps(0, "weak", "val", 64)
    found = np.concatenate(list(maps.batches()))
    kinds = np.array([unit.kind for unit in maps.units])
    assert not found[:, kinds == "dead"].any()
    noisy = found[:, kinds == "noise"]
    of_cell, of_image = deviations(maps.units, "weak")
    assert noisy.std() == pytest.approx(np.hypot(of_cell[-9], of_image[-9]), rel=0.02)
    means = maps.means[:, kinds == "noise"]
    assert means.std() == pytest.approx(np.hypot(of_cell[-9] / 8, of_image[-9]), rel=0.05)
    scene = [
        unit.concepts[:1] != () and unit.concepts[0].category == "scene" for unit in maps.units
    ]
    assert (of_image[scene] > 8 * of_image[-9]).all()
    levels = [deviations(maps.units, level)[0].max() for level in LEVELS]
    assert levels == sorted(set(levels))


def test_the_usual_areas_are_those_of_the_images() -> None:
    areas = measure_areas("val", 150).shares.mean(axis=2)
    assert areas[:, 0].mean() == pytest.approx(planted_maps.SCENE_AREA, abs=0.02)
    things = areas[:, 1:][areas[:, 1:] > 0]
    assert things.mean() == pytest.approx(planted_maps.THING_AREA, abs=0.015)


def test_noise_is_split_mix_of_its_coordinates() -> None:
    """Compare with Python's integers."""
    bits = (1 << 64) - 1

    def mix(number: int) -> int:
        number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & bits
        number = (number ^ number >> 27) * 0x94D049BB133111EB & bits
        return number ^ number >> 31

    state = 0
    for part in (7, 2, 1000):
        state = mix(state + part + 0x9E3779B97F4A7C15 & bits)
    expected = []
    for position in (640, 641, 642):
        number = mix(state + (position + 1) * 0x9E3779B97F4A7C15 & bits)
        total = sum(number >> shift & 0xFFFF for shift in (0, 16, 32, 48))
        expected.append((total - 2 * 65535) / ((65536**2 - 1) / 3) ** 0.5)
    states = streams(7, 2, np.array([999, 1000]))
    found = noise(states[:, None], np.array([0, 640]), 3)
    assert found.shape == (2, 2, 3)
    assert found[1, 1] == pytest.approx(expected, rel=1e-6)


def test_noise_is_nearly_normal_and_independent() -> None:
    states = streams(0, np.arange(400))
    values = noise(states, np.array(0), 500).astype(np.float64)
    n = values.size
    assert abs(values.mean()) < 4 / n**0.5
    assert values.var() == pytest.approx(1, abs=4 * (1.7 / n) ** 0.5)
    assert (values**3).mean() == pytest.approx(0, abs=4 * (15 / n) ** 0.5)
    assert (values**4).mean() == pytest.approx(2.7, abs=4 * (50 / n) ** 0.5)  # Irwin-Hall, n = 4
    assert abs(values).max() < 3.47
    for one, other in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        assert abs((one * other).mean()) < 4 / n**0.5
