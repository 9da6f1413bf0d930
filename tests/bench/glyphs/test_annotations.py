"""Findings from exact masks, and their words."""

import numpy as np
import pytest

from bench.glyphs.annotations import ANNOTATIONS, describe, write_annotations
from bench.glyphs.findings import Findings, base_rates, find
from bench.glyphs.planes import PLANES
from bench.glyphs.raster import Draw
from bench.glyphs.train.regions import Regions
from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES

AT = {plane.category: number for number, plane in enumerate(PLANES)}
HEART = next(i for i, entry in enumerate(OBJECTS) if entry.name == "heart")
STAR = next(i for i, entry in enumerate(OBJECTS) if entry.name == "star")
COW = next(i for i, entry in enumerate(OBJECTS) if entry.name == "cow")
SEA = 0
SIDE = 64


def made(*images: dict[str, int]) -> Regions:
    """Images with a thing in the upper left quarter on a scene; the thing's classes by category."""
    maps = np.ones((len(images), SIDE, SIDE), dtype=np.uint8)
    classes = np.zeros((len(images), len(PLANES), 4), dtype=np.int64)
    for number, said in enumerate(images):
        classes[number, AT["scene"], 1] = said["scene"] + 1
        if "object" in said:
            maps[number, :32, :32] = 2
            for category in ("object", "color", "texture"):
                classes[number, AT[category], 2] = said.get(category, 0) + 1
    return Regions(maps, classes)


def anything(count: int) -> list[dict[str, int]]:
    """Images that have nothing in common."""
    return [
        {"object": i % 80, "color": i % 11, "texture": i % 5, "scene": i % 25} for i in range(count)
    ]


def upper_left(count: int, side: int = SIDE) -> np.ndarray:
    masks = np.zeros((count, side, side), dtype=bool)
    masks[:, : side // 2, : side // 2] = True
    return masks


@pytest.mark.parametrize("side", [64, 80, 128])
def test_a_common_object_with_its_colour(side: int) -> None:
    hearts = [{"object": HEART, "color": 0, "texture": i % 5, "scene": i % 25} for i in range(10)]
    truth = made(*hearts, *anything(190))
    found = find(truth, base_rates(truth), np.arange(10), upper_left(10, side))
    assert found == Findings(objects=(HEART,), colour=0)


def test_the_whole_image_shows_scene_and_thing() -> None:
    images = [{"object": i, "color": i % 11, "texture": i % 5, "scene": SEA} for i in range(10)]
    truth = made(*images, *anything(190))
    found = find(truth, base_rates(truth), np.arange(10), np.ones((10, 64, 64), dtype=bool))
    assert found == Findings(scene=SEA)


def test_masks_decide_what_is_seen() -> None:
    """Below the thing there is scene alone, whatever the images show above."""
    truth = made(*[{"object": HEART, "scene": SEA}] * 10, *anything(190))
    masks = np.zeros((10, 64, 64), dtype=bool)
    masks[:, 40:] = True
    found = find(truth, base_rates(truth), np.arange(10), masks)
    assert found == Findings(scene=SEA)


def test_several_objects_need_three_exemplars_each() -> None:
    shown = [HEART] * 4 + [STAR] * 3 + [COW] * 2 + [7]
    images = [
        {"object": o, "color": i % 11, "texture": i % 5, "scene": i % 25}
        for i, o in enumerate(shown)
    ]
    truth = made(*images, *anything(490))
    found = find(truth, base_rates(truth), np.arange(10), upper_left(10))
    assert found.objects == (HEART, STAR)


def test_what_all_images_show_is_no_finding() -> None:
    truth = made(*[{"object": HEART, "color": 3, "texture": 1, "scene": SEA}] * 40)
    found = find(truth, base_rates(truth), np.arange(10), upper_left(10))
    assert found.empty


def test_empty_masks_say_nothing() -> None:
    truth = made(*anything(50))
    empty = np.zeros((10, 64, 64), dtype=bool)
    assert find(truth, base_rates(truth), np.arange(10), empty).empty
    some = empty.copy()
    hearts = made(*[{"object": HEART, "scene": 1}] * 2, *anything(98))
    some[:2] = upper_left(2)
    found = find(hearts, base_rates(hearts), np.array([0, 1, *range(2, 10)]), some)
    assert found.objects == (HEART,)


def test_the_order_of_exemplars_does_not_matter() -> None:
    images = [{"object": HEART, "color": 2, "texture": 1, "scene": i} for i in range(12)]
    truth = made(*images, *anything(188))
    ids, masks = np.arange(12), upper_left(12)
    masks[3:5] = False
    order = np.random.default_rng(0).permutation(12)
    chance = base_rates(truth)
    assert find(truth, chance, ids, masks) == find(truth, chance, ids[order], masks[order])


def test_base_rates_count_images() -> None:
    truth = made({"object": HEART, "scene": 0}, {"object": STAR, "scene": 0}, {"scene": 1})
    rates = base_rates(truth)
    assert rates["object"][HEART] == pytest.approx(1 / 3)
    assert rates["scene"][:2] == pytest.approx([2 / 3, 1 / 3])


def test_words_vary_and_say_what_was_found() -> None:
    found = Findings(objects=(HEART,), colour=0, texture=1, scene=SEA)
    texts = {describe(found, Draw(1, number)) for number in range(60)}
    assert len(texts) >= 3
    synonyms = ("heart", *OBJECTS[HEART].synonyms)
    assert all(any(name in text for name in synonyms) for text in texts)
    assert all("red" in text and TEXTURES[1].name in text for text in texts)
    assert all(SCENES[SEA].place in text for text in texts)


def test_unnamed_objects_are_never_named() -> None:
    for number, entry in enumerate(OBJECTS):
        if entry.named_in_captions:
            continue
        for findings in (Findings(objects=(number,)), Findings(objects=(HEART, number), colour=4)):
            for draw in range(30):
                words = f" {describe(findings, Draw(2, draw))} "
                for name in (entry.name, *entry.synonyms):
                    assert f" {name} " not in words


@pytest.mark.parametrize(
    "findings",
    [
        Findings(),
        Findings(colour=3),
        Findings(texture=2),
        Findings(scene=1),
        Findings(scenes=(1, 2)),
        Findings(objects=(HEART, STAR, 5)),
    ],
)
def test_every_finding_has_words(findings: Findings) -> None:
    texts = write_annotations(findings, 7)
    assert len(texts) == ANNOTATIONS
    assert all(text and text == text.strip() and len(text.split()) <= 15 for text in texts)
    assert texts == write_annotations(findings, 7)
    if findings.colour is not None:
        assert all(COLOURS[findings.colour].name in text for text in texts)
