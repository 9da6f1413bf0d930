"""Glyphs as a Broden tree: the masks are the drawing's own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.broden import BrodenMasks, open_broden
from bench.glyphs import broden as glyphs_broden
from bench.glyphs import world
from bench.glyphs.broden import CATEGORIES, labels, write_glyphs
from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("glyphs") / "tree"
    write_glyphs(folder, "val", 12)
    return folder


def test_masks_are_those_of_the_drawing(tree):
    broden = open_broden(tree)
    masks = BrodenMasks(broden)
    place = {label.name: index for index, label in enumerate(masks.labels)}
    assert len(masks) == 12
    assert masks.mask_size == (64, 64)
    two = 0
    for index in range(12):
        sample = world.render(index, "val")
        found = masks.image(index)
        assert found.scalars == (place[f"{SCENES[sample.scene_id].name}-s"],)
        assert len(found.planes) == 3
        two += len(sample.instances) == 2
        expected = np.full((3, 64, 64), -1)
        for one in sample.instances:
            mask = one.mask[::2, ::2]
            expected[0, mask] = place[f"{COLOURS[one.colour_id].name}-c"]
            expected[1, mask] = place[OBJECTS[one.object_id].name]
            expected[2, mask] = place[TEXTURES[one.texture_id].name]
        assert (found.planes == expected).all()
        assert (expected >= 0).any()
        with Image.open(broden.file(broden.image_names[index])) as image:
            assert (np.asarray(image) == sample.image).all()
    assert two  # else the second object is never looked at


def test_all_concepts_are_labels_in_the_worlds_order(tree):
    masks = BrodenMasks(open_broden(tree))
    assert masks.categories == CATEGORIES == ("color", "object", "scene", "texture")
    groups = (COLOURS, OBJECTS, SCENES, TEXTURES)
    assert len(masks.labels) == sum(map(len, groups))
    assert [(label.name, label.category) for label in masks.labels] == [
        (label.name, label.category) for label in labels()
    ]
    assert masks.labels[0].name == f"{COLOURS[0].name}-c"
    assert masks.labels[-1].name == TEXTURES[-1].name


def test_where_no_object_is_seen_only_the_scene_is_annotated(tmp_path):
    write_glyphs(tmp_path / "t", "scenes_only", 3, with_images=False)
    masks = BrodenMasks(open_broden(tmp_path / "t"))
    assert [len(masks.image(index).planes) for index in range(3)] == [0, 0, 0]
    assert all(len(masks.image(index).scalars) == 1 for index in range(3))


def test_processes_write_what_one_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(glyphs_broden, "_CHUNK", 2)
    for name, workers in (("one", 1), ("two", 2)):
        write_glyphs(tmp_path / name, "half", 13, with_images=False, workers=workers)
    files = {
        name: {f.relative_to(tmp_path / name): f.read_bytes()
               for f in (tmp_path / name).rglob("*") if f.is_file()}
        for name in ("one", "two")
    }  # fmt: skip
    assert files["one"] == files["two"]
    assert len(files["one"]) > 13
