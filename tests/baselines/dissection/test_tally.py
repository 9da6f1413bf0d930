"""The tally against the definition in the paper, pixel by pixel: every integer is the same."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.dissection import planes
from baselines.dissection.planes import MaskRules, read_chunks
from baselines.dissection.tally import at_most, tally
from tests.baselines.dissection import reference
from tests.baselines.dissection.doubles import ArrayMaps, ListMasks

LABELS = [("a", "one"), ("b", "one"), ("c", "two"), ("d", "three"), ("e", "three")]
CATEGORIES = ("one", "two", "three", "none of it")


@st.composite
def cases(draw):
    """Maps, masks and thresholds, with ties at the thresholds and all kinds of gaps."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, u = draw(st.integers(1, 20)), draw(st.integers(1, 4))
    map_size = draw(st.sampled_from([(1, 1), (2, 2), (1, 3), (3, 2), (9, 7)]))
    size = draw(st.sampled_from([(1, 1), (4, 4), (5, 3), (2, 8)]))
    maps = rng.normal(0.2, 1, (n, u, *map_size))
    kind = draw(st.sampled_from(["plain", "ties", "rectified", "flat"]))
    if kind == "ties":
        maps = np.round(maps * 2) / 2
    elif kind == "rectified":
        maps = np.maximum(maps, 0)
    elif kind == "flat":  # whole maps of one value: sums of weights must not lift it
        maps = np.broadcast_to(maps[..., :1, :1], maps.shape)
    maps = maps.astype(np.float32)
    thresholds = rng.choice([0.5, 0.0, -0.5, 1.3, np.nan, 5.0], u)
    if draw(st.booleans()):
        thresholds = maps.max(axis=(0, 2, 3)).astype(np.float64)  # nothing exceeds it
        thresholds[::2] = maps[0, ::2, 0, 0]
    images = [
        (
            rng.integers(-1, len(LABELS), (rng.integers(0, 4), *size)),
            rng.integers(0, len(LABELS), rng.integers(0, 3)),
        )
        for _ in range(n)
    ]
    return maps, ListMasks(images, LABELS, CATEGORIES, size), thresholds


def assert_counts(found, expected) -> None:
    for name, array in zip(("labels", "both", "by_category", "active"), expected, strict=True):
        np.testing.assert_array_equal(getattr(found, name), array, err_msg=name)
        assert getattr(found, name).dtype == np.int64


@settings(max_examples=200, deadline=None)
@given(
    cases(),
    st.sampled_from(["half_pixel", "zero_pad_grid"]),
    st.sampled_from([{}, {"whole_image": True}, {"once": True}]),
    st.integers(1, 30),
    st.booleans(),
)
def test_counts_are_those_of_the_plain_reading(case, mode, rule, batch, compiled) -> None:
    maps, masks, thresholds = case
    found = tally(
        ArrayMaps(maps, batch),
        masks,
        thresholds,
        mode=mode,
        rules=MaskRules(**rule),
        compiled=compiled,
    )
    assert_counts(found, reference.counts(maps, masks, thresholds, mode=mode, **rule))
    assert found.pixels == len(masks) * masks.mask_size[0] * masks.mask_size[1]


def many(n=53, u=40, seed=0):
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(n, u, 4, 4)).astype(np.float32)
    images = [(rng.integers(-1, 5, (3, 16, 16)), rng.integers(0, 5, 1)) for _ in range(n)]
    return maps, ListMasks(images, LABELS, CATEGORIES, (16, 16)), np.full(u, 0.9)


def same(one, other) -> bool:
    names = ("labels", "both", "by_category", "active", "pixels")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_batches_chunks_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    maps, masks, thresholds = many()
    first = tally(ArrayMaps(maps, 53), masks, thresholds)
    for batch, threads, readers in ((1, 1, 1), (7, 2, 3), (16, 8, 2), (40, None, 1)):
        rules = MaskRules(threads=readers)
        found = tally(ArrayMaps(maps, batch), masks, thresholds, rules=rules, threads=threads)
        assert same(found, first)
    assert same(tally(ArrayMaps(maps, 9), masks, thresholds, compiled=False), first)


def test_sets_of_images_add_up_in_any_order() -> None:
    maps, masks, thresholds = many()
    whole = tally(ArrayMaps(maps), masks, thresholds)
    order = np.random.default_rng(1).permutation(53)
    parts = []
    for some in np.array_split(order, 4):
        images = [(masks.images[i].planes, masks.images[i].scalars) for i in some]
        part = ListMasks(images, LABELS, CATEGORIES, (16, 16))
        parts.append(tally(ArrayMaps(maps[some]), part, thresholds))
    assert same(parts[0] + parts[1] + parts[2] + parts[3], whole)
    assert same(parts[3] + parts[1] + (parts[0] + parts[2]), whole)


def test_masks_are_read_ahead_and_no_further() -> None:
    _, masks, _ = many(n=160)
    seen, names = [], set()
    read = masks.image

    def image(index):
        seen.append(index)
        names.add(threading.current_thread().name)
        return read(index)

    masks.image = image
    chunks = read_chunks(masks, MaskRules(threads=2))
    next(chunks)
    assert len(seen) <= 3 * planes.CHUNK
    chunks.close()
    assert threading.current_thread().name not in names
    assert sorted(set(seen)) == sorted(seen)


def test_a_threshold_between_float32_values_is_rounded_down() -> None:
    values = np.array([0.1, 1 / 3, -0.1, 1.0, np.nan])
    found = at_most(values)
    assert found.dtype == np.float32
    for value, near in zip(values[:4], found[:4], strict=True):
        above = np.nextafter(near, np.float32(np.inf))
        assert float(near) <= value < float(above)
    assert np.isnan(found[4])


@pytest.mark.parametrize(
    ("planes_of_one", "scalars", "words"),
    [
        (np.full((1, 4, 4), 5), (), "invalid label"),
        (np.full((1, 4, 4), -2), (), "invalid label"),
        (np.zeros((0, 4, 4)), (5,), "scalar"),
    ],
)
def test_numbers_that_are_no_labels_are_refused(planes_of_one, scalars, words) -> None:
    masks = ListMasks([(planes_of_one, scalars)], LABELS, CATEGORIES, (4, 4))
    with pytest.raises(ValueError, match=words):
        tally(ArrayMaps(np.ones((1, 1, 2, 2))), masks, np.zeros(1))


def test_what_does_not_belong_together_is_refused() -> None:
    maps, masks, thresholds = many(n=5, u=2)
    with pytest.raises(ValueError, match="4 images but masks of 5"):
        tally(ArrayMaps(maps[:4]), masks, thresholds)
    with pytest.raises(ValueError, match="2 units"):
        tally(ArrayMaps(maps), masks, thresholds[:1])
    masks.mask_size = (8, 8)
    with pytest.raises(ValueError, match="planes of shape"):
        tally(ArrayMaps(maps), masks, thresholds)
    masks.mask_size, masks.categories = (16, 16), CATEGORIES[:1]
    with pytest.raises(ValueError, match="three, two"):
        tally(ArrayMaps(maps), masks, thresholds)


def test_maps_that_break_their_word_are_refused() -> None:
    maps, masks, thresholds = many(n=20, u=2)

    class Short(ArrayMaps):
        n_images = 20

    with pytest.raises(ValueError, match="maps of 11 images"):
        tally(Short(maps[:11]), masks, thresholds)
    with pytest.raises(ValueError, match="more than"):
        tally(Short(np.concatenate([maps, maps])), masks, thresholds)


def test_very_wide_masks_are_counted_too() -> None:
    """Columns beyond what 16 bits can tell."""
    size = (1, 2**15 + 9)
    plane = np.zeros(size, np.int32)
    plane[0, -5:] = 1
    masks = ListMasks([([plane], [])], LABELS, CATEGORIES, size)
    found = tally(ArrayMaps(np.ones((1, 1, 1, 1))), masks, np.zeros(1))
    assert found.both[0].tolist() == found.labels.tolist() == [2**15 + 4, 5, 0, 0, 0]
