"""Exemplars against whole arrays, NumPy's quantile and torch's grid_sample."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import grid_sample

from baselines.exemplars import mask_bits, rank
from baselines.spatial import ExemplarRule
from tests.baselines.dissection.doubles import ArrayMaps

SIZE = 12
RULE = ExemplarRule(top_k=4, quantile=0.9)


def drawn(n=23, units=6, height=3, width=5, seed=0, step=0.0):
    values = np.random.default_rng(seed).standard_normal((n, units, height, width))
    if step:
        values = np.round(values / step) * step
    return values.astype(np.float32)


def found(values, rule=RULE, size=SIZE, batch=7):
    values = torch.from_numpy(np.asarray(values, np.float32))
    ranking = rank(ArrayMaps(values, batch), values.mean(dim=(2, 3)), rule)
    return SimpleNamespace(**vars(ranking), masks=mask_bits(ranking, size))


def unpacked(selected, size=SIZE):
    pixels = np.unpackbits(selected.masks, axis=2, count=size * size)
    return pixels.reshape(*selected.ids.shape, size, size).astype(bool)


def enlarged(values, size):
    """As published: source coordinate (t + 0.5) / s - 0.5, zeros beyond."""
    height, width = values.shape[-2:]

    def places(source):
        at = (np.arange(size) + 0.5) * source / size - 0.5
        return at * 2 / (source - 1) - 1  # align_corners: -1 and 1 are the outermost centres

    rows, columns = np.meshgrid(places(height), places(width), indexing="ij")
    points = torch.from_numpy(np.stack([columns, rows], axis=-1))[None]
    stack = torch.from_numpy(values.reshape(1, -1, height, width).astype(np.float64))
    out = grid_sample(stack, points, align_corners=True, padding_mode="zeros")
    return out.numpy().reshape(*values.shape[:-2], size, size)


def plain(values, top_k, quantile, size):
    """One unit after the other, everything at once: (ids, peaks, level, enlarged maps)."""
    for unit in range(values.shape[1]):
        own = values[:, unit]
        peaks = [float(image.max()) for image in own]
        ids = sorted(range(len(own)), key=lambda i: (-peaks[i], i))[:top_k]
        level = np.quantile(own.astype(np.float64), quantile, method="hazen")
        yield ids, [peaks[i] for i in ids], level, enlarged(own[ids], size)


@pytest.mark.parametrize("shape", [(3, 5), (7, 7), (2, 2), (16, 20)])
@pytest.mark.parametrize("top_k", [1, 4, 15])
def test_against_a_plain_loop(shape, top_k):
    values = drawn(height=shape[0], width=shape[1])
    selected = found(values, ExemplarRule(top_k, 0.9))
    masks = unpacked(selected)
    assert not selected.whole
    assert (selected.ids.dtype, selected.activations.dtype) == (np.int64, np.float32)
    assert selected.masks.shape == (6, top_k, math.ceil(SIZE * SIZE / 8))
    seen = 0
    for unit, (ids, peaks, level, large) in enumerate(plain(values, top_k, 0.9, SIZE)):
        assert selected.ids[unit].tolist() == ids
        assert selected.activations[unit].tolist() == peaks
        assert selected.levels[unit] == pytest.approx(level, rel=1e-12)
        clear = np.abs(large - level) > 1e-5  # a pixel on the border may fall either way
        assert clear.mean() > 0.99
        assert np.array_equal(masks[unit][clear], (large > level)[clear])
        seen += int(masks[unit].sum())
    assert 0 < seen < masks.size


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 25),
    units=st.integers(1, 4),
    top_k=st.integers(1, 30),
    batch=st.integers(1, 30),
    seed=st.integers(0, 2**16),
)
def test_ties_go_to_the_first_image_whatever_the_batches(n, units, top_k, batch, seed):
    values = drawn(n, units, 2, 2, seed, step=1.0)  # few different peaks
    selected = found(values, ExemplarRule(top_k, 0.75), 5, batch)
    whole = found(values, ExemplarRule(top_k, 0.75), 5, n)
    for name in ("ids", "activations", "levels", "masks"):
        assert np.array_equal(getattr(selected, name), getattr(whole, name), equal_nan=True), name
    means = values.mean(axis=(2, 3))
    for unit in range(units):
        expected = np.argsort(-values[:, unit].max(axis=(1, 2)), kind="stable")[:top_k]
        dead = bool((means[:, unit] == means[0, unit]).all())
        assert selected.ids[unit].tolist() == [-1 if dead else i for i in expected]


def test_fewer_images_than_top_k_gives_all():
    selected = found(drawn(3), ExemplarRule(15, 0.9))
    assert selected.ids.shape == selected.activations.shape == (6, 3)
    assert all(sorted(row) == [0, 1, 2] for row in selected.ids.tolist())


@pytest.mark.parametrize("batch", [1, 7, 30])
def test_images_may_be_ranked_by_the_pooled_activation(batch):
    values = drawn()
    selected = found(values, ExemplarRule(4, 0.9, order="pooled"), batch=batch)
    # As in `found`: a mean by torch, whose last digits differ from NumPy's.
    means = torch.from_numpy(values).mean(dim=(2, 3)).numpy()
    for unit in range(6):
        ids = np.argsort(-means[:, unit], kind="stable")[:4]
        assert selected.ids[unit].tolist() == ids.tolist()
        assert selected.activations[unit].tolist() == means[ids, unit].tolist()
        assert np.array_equal(selected.maps[unit], values[ids, unit])
    assert selected.levels.tolist() == found(values).levels.tolist()
    assert selected.ids.tolist() != found(values).ids.tolist()
    with pytest.raises(ValueError, match="order must be"):
        ExemplarRule(order="best")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("batch", [1, 7, 30])
def test_a_unit_with_a_value_that_is_not_finite_is_dead_and_moves_no_other(bad, batch):
    values = drawn()
    clean = found(values)
    broken = values.copy()
    broken[5, 2, 1, 1] = bad
    broken[:, 4] = 0.25  # and one that is constant
    selected = found(broken, batch=batch)
    for unit in (2, 4):
        assert (selected.ids[unit] == -1).all()
        assert np.isnan(selected.activations[unit]).all()
        assert np.isnan(selected.levels[unit])
        assert not selected.masks[unit].any()
    for unit in (0, 1, 3, 5):
        for name in ("ids", "activations", "levels", "masks"):
            assert np.array_equal(getattr(selected, name)[unit], getattr(clean, name)[unit])


def test_minus_infinity_hidden_from_pooled_activations_is_noticed():
    values = drawn()
    values[5, 2, 1, 1] = -np.inf
    maps = torch.from_numpy(values)
    peaks = maps.amax(dim=(2, 3))
    assert torch.isfinite(peaks).all()
    assert (rank(ArrayMaps(maps), peaks, RULE).ids[2] == -1).all()


def test_levels_are_of_raw_values_and_borders_fade():
    """Golden values: [[1, 2], [3, 4]] at 4 x 4 between zeros; level 2 exactly, strictly."""
    values = np.zeros((5, 1, 2, 2), np.float32)
    values[0, 0] = [[1, 2], [3, 4]]
    values[1:, 0] = 2
    selected = found(values, ExemplarRule(2, 0.5), 4)
    assert selected.ids.tolist() == [[0, 1]]
    assert selected.levels.tolist() == [2.0]
    expected = [[0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 1, 1], [0, 1, 1, 1]]
    # A map of twos is 2 within and less at its borders: nowhere above 2.
    assert unpacked(selected, 4)[0].astype(int).tolist() == [expected, [[0] * 4] * 4]


def test_a_negative_level_is_exceeded_by_the_zeros_around():
    values = drawn() - 10
    selected = found(values)
    masks = unpacked(selected)
    assert (selected.levels < 0).all()
    large = enlarged(np.stack([values[selected.ids[u], u] for u in range(6)]), SIZE)
    assert np.array_equal(masks, large > selected.levels[:, None, None, None])
    assert masks[:, :, 0, 0].all()


def test_a_layer_without_maps_fires_in_the_whole_image():
    values = drawn(height=1, width=1)
    values[:, 3] = 0.5
    selected = found(values, size=5)
    assert selected.whole
    assert np.isnan(selected.levels).all()
    masks = unpacked(selected, 5)
    assert masks[[0, 1, 2, 4, 5]].all()
    assert not masks[3].any()
    assert (selected.ids[3] == -1).all()
    order = np.argsort(-values[:, 0, 0, 0], kind="stable")[:4]
    assert selected.ids[0].tolist() == order.tolist()


def test_the_maps_are_read_twice_and_once_without_places():
    class Counted(ArrayMaps):
        readings = 0

        def batches(self):
            self.readings += 1
            yield from super().batches()

    for shape, readings in (((3, 5), 2), ((1, 1), 1)):
        maps = Counted(drawn(height=shape[0], width=shape[1]))
        rank(maps, maps.values.mean(dim=(2, 3)), RULE)
        assert maps.readings == readings


def test_masks_of_some_units_are_those_of_all():
    values = drawn()
    maps = torch.from_numpy(values)
    ranked = rank(ArrayMaps(maps), maps.mean(dim=(2, 3)), RULE)
    every = mask_bits(ranked, SIZE, threads=2)
    parts = [mask_bits(ranked, SIZE, slice(at, at + 4), threads=1) for at in (0, 4)]
    assert np.array_equal(np.concatenate(parts), every)


@pytest.mark.parametrize("broken", ["images", "units", "none", "size"])
def test_what_does_not_fit_is_refused(broken):
    values = torch.from_numpy(drawn())
    means = values.mean(dim=(2, 3))
    given = {
        "images": (ArrayMaps(values), means[1:], SIZE),
        "units": (ArrayMaps(values), means[:, 1:], SIZE),
        "none": (ArrayMaps(values[:0]), means[:0], SIZE),
        "size": (ArrayMaps(values), means, 0),
    }[broken]
    with pytest.raises(ValueError, match=r"images|units|size"):
        mask_bits(rank(*given[:2], RULE), given[2])
