"""Rendering: determinism, exact masks, captions, splits."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from bench.glyphs.captions import captions
from bench.glyphs.raster import SIZE, Draw
from bench.glyphs.vocabulary import HALF_OBJECTS, OBJECTS, SCENES
from bench.glyphs.world import (
    SPLITS,
    VARIANTS,
    Sample,
    fingerprint,
    instances_of,
    paint,
    plan,
    render,
)

GOLDEN = {
    "val": "f16352255ea3b8e159a1f4c15dea18b8fdf2cb97b493fbf12d3056fc50a45b36",
    "half": "a5f90246ebac340b1176766cd6caceb12fd32f1b5d2bcb32bc5fc90755350249",
    "scenes_only": "69c52c907db101ec157f425e4b9fa1dcc7926316f601eabf51e131a88105f997",
}


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """The first samples of the default variant."""
    return [render(index) for index in range(150)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_fingerprint_is_golden(variant: str) -> None:
    """Every platform and every version of NumPy renders the same bytes."""
    assert fingerprint(variant) == GOLDEN[variant]


def test_a_sample_depends_on_nothing_but_its_index(samples: list[Sample]) -> None:
    """A sample depends on nothing but its index."""
    for index in (7, 3, 149):
        again = render(index)
        assert (again.image == samples[index].image).all()
        assert again.captions == samples[index].captions
        assert again.scene_id == samples[index].scene_id


def test_shapes_and_labels(samples: list[Sample]) -> None:
    """Shapes and labels."""
    for sample in samples:
        assert sample.image.shape == (SIZE, SIZE, 3)
        assert sample.image.dtype == np.uint8
        assert 0 <= sample.scene_id < len(SCENES)
        assert 1 <= len(sample.instances) <= 2
        assert all(isinstance(text, str) and text for text in sample.captions)
        assert len(sample.captions) >= 4


def test_masks_are_disjoint(samples: list[Sample]) -> None:
    """Masks are disjoint."""
    for sample in samples:
        total = sample.scene_mask.astype(int)
        for one in sample.instances:
            assert one.mask.any()
            total += one.mask
        assert total.max() <= 1


def test_a_mask_is_where_leaving_the_object_out_matters() -> None:
    """A mask is where leaving the object out matters."""
    checked = 0
    for index in range(80):
        sketch = plan(index)
        sketch = replace(sketch, grain=0.0, contrast=1.0, occluded=False)
        sketch = replace(sketch, things=tuple(replace(t, line=0.0) for t in sketch.things))
        whole = paint(sketch)
        for at, one in enumerate(whole.instances):
            rest = sketch.things[:at] + sketch.things[at + 1 :]
            without = paint(replace(sketch, things=rest))
            changed = (whole.image != without.image).any(axis=2)
            # Fills may happen to equal the background in a few pixels, never outside the rim.
            assert (changed & one.mask).sum() >= 0.9 * one.mask.sum()
            # Only strokes thinner than half a pixel lie farther out: they have no mask.
            outside = changed & ~_grown(one.mask, 3)
            assert outside.sum() <= 0.02 * changed.sum()
            checked += 1
    assert checked > 80


def _grown(mask: np.ndarray, by: int) -> np.ndarray:
    padded = np.pad(mask, by)
    return np.any(
        [
            padded[by + dy : by + dy + SIZE, by + dx : by + dx + SIZE]
            for dy in range(-by, by + 1)
            for dx in range(-by, by + 1)
        ],
        axis=0,
    )


def test_masks_without_the_scene_are_those_of_the_whole_image(samples: list[Sample]) -> None:
    for index in range(0, 150, 5):
        alone = instances_of(plan(index))
        for one, other in zip(alone, samples[index].instances, strict=True):
            assert (one.mask == other.mask).all()
            assert replace(one, mask=other.mask) == other


def test_the_main_object_is_the_larger_one() -> None:
    """The main object is the larger one."""
    pairs = 0
    for index in range(400):
        things = plan(index).things
        if len(things) == 2:
            assert things[1].size < 0.8 * things[0].size
            assert things[0].object_id != things[1].object_id
            pairs += 1
    assert 60 < pairs < 180


def test_no_caption_names_an_unnamed_object() -> None:
    """No caption names an unnamed object."""
    banned = [
        name
        for entry in OBJECTS
        if not entry.named_in_captions
        for name in (entry.name, *entry.synonyms)
    ]
    pattern = re.compile(rf"\b({'|'.join(re.escape(b) for b in banned)})(s|es|'s|ed|ing)?\b")
    written = 0
    for index in range(6000):
        sketch = plan(index, "val", "train")
        things = [(t.object_id, t.colour_id, t.texture_id) for t in sketch.things]
        for text in captions(Draw(*sketch.key, 5), sketch.scene_id, things):
            assert not pattern.search(text), text
            written += 1
    assert written > 20_000


def test_variants() -> None:
    """Variants."""
    for index in range(300):
        assert all(thing.object_id in HALF_OBJECTS for thing in plan(index, "half").things)
        assert plan(index, "scenes_only").things == ()
    assert len({plan(i, "half").things[0].object_id for i in range(800)}) == len(HALF_OBJECTS)
    bare = render(0, "scenes_only")
    assert bare.instances == ()
    assert bare.scene_mask.mean() > 0.5


def test_splits_share_no_stream() -> None:
    """Splits share no stream."""
    assert len(set(SPLITS.values())) == len(SPLITS)
    keys = {plan(i, v, s).key for s in SPLITS for v in VARIANTS for i in range(50)}
    assert len(keys) == len(SPLITS) * len(VARIANTS) * 50
    images = {render(i, "val", s).image.tobytes() for s in SPLITS for i in range(5)}
    assert len(images) == len(SPLITS) * 5


@pytest.mark.parametrize(
    ("index", "variant", "split"), [(0, "all", "probe"), (0, "val", "test"), (-1, "val", "probe")]
)
def test_unknown_requests_are_named(index: int, variant: str, split: str) -> None:
    """Unknown requests are named."""
    with pytest.raises(ValueError, match="variants: val, half, scenes_only"):
        render(index, variant, split)
