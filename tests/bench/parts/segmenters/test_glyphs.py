"""The embedded world's segmenter as a part."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.evidence import Store, segment
from bench.glyphs.planes import PLANES
from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES
from bench.glyphs.world import render
from bench.networks.execution import Execution
from bench.parts.probes import GlyphsProbe
from bench.parts.segmenters import GlyphsSegmenter
from bench.timing import Timer


def test_labels_are_the_vocabulary_in_brodens_order():
    part = GlyphsSegmenter()
    labels = part.labels()
    assert part.categories() == ("color", "object", "scene", "texture")
    assert len(labels) == len(COLOURS) + len(OBJECTS) + len(SCENES) + len(TEXTURES)
    assert len({label.name for label in labels}) == len(labels)
    order = [part.categories().index(label.category) for label in labels]
    assert order == sorted(order)
    assert (labels[0].name, labels[0].category) == ("red-c", "color")
    assert labels[len(COLOURS)].name == OBJECTS[0].name
    assert labels[len(COLOURS) + len(OBJECTS)].name == f"{SCENES[0].name}-s"
    assert labels[-1].name == TEXTURES[-1].name


@pytest.fixture(scope="module")
def masks():
    return segment(GlyphsSegmenter(), GlyphsProbe(size=16), store=Store(None), timer=Timer())


def test_each_plane_speaks_of_its_category_alone(masks):
    for index in range(16):
        planes = masks.image(index).planes
        assert planes.shape == (len(PLANES), 64, 64)
        for plane, kind in zip(planes, PLANES, strict=True):
            used = {masks.labels[position].category for position in np.unique(plane[plane >= 0])}
            assert used <= {kind.category}


def test_sixteen_probe_images_are_mostly_right(masks):
    """A smoke test: names of positions against the samples' own masks."""
    right = {"object": [], "color": [], "scene": []}
    at = {plane.category: number for number, plane in enumerate(PLANES)}
    position = {label.name: number for number, label in enumerate(masks.labels)}
    for index in range(16):
        sample, planes = render(index), masks.image(index).planes
        main = sample.instances[0]
        mask = main.mask[1::2, 1::2]
        scene = sample.scene_mask[1::2, 1::2]
        named = {
            "object": (mask, OBJECTS[main.object_id].name),
            "color": (mask, f"{COLOURS[main.colour_id].name}-c"),
            "scene": (scene, f"{SCENES[sample.scene_id].name}-s"),
        }
        for category, (where, name) in named.items():
            right[category].append((planes[at[category]][where] == position[name]).mean())
    assert np.mean(right["object"]) > 0.15
    assert np.mean(right["color"]) > 0.7
    assert np.mean(right["scene"]) > 0.85


def test_batch_size_changes_next_to_nothing(masks):
    other = segment(
        GlyphsSegmenter(),
        GlyphsProbe(size=16),
        store=Store(None),
        timer=Timer(),
        execution=Execution(batch_size=5),
    )
    same = [(masks.image(i).planes == other.image(i).planes).mean() for i in range(16)]
    assert min(same) > 0.999


def test_the_transform_is_that_of_the_training():
    from PIL import Image

    from bench.glyphs.encoder import preprocess

    pixels = render(0).image
    ours = GlyphsSegmenter().load("cpu").transform(Image.fromarray(pixels))
    theirs = preprocess(torch.from_numpy(pixels[None].copy()), 128)[0]
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
