"""Both versions of up-sampling against published values, Pillow and torch's own functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import grid_sample, interpolate

from baselines.dissection.upsample import grid, upsample
from tests.baselines.dissection import reference

SMALL = torch.tensor([[1.0, 2], [3, 4]])
SHAPES = [
    ((7, 7), (112, 112)),
    ((13, 13), (113, 113)),
    ((2, 3), (5, 4)),
    ((1, 7), (5, 5)),
    ((56, 50), (28, 20)),
    ((200, 150), (112, 113)),
    ((9, 9), (9, 9)),
]


def test_half_pixel_golden() -> None:
    expected = [
        [1, 1.25, 1.75, 2],
        [1.5, 1.75, 2.25, 2.5],
        [2.5, 2.75, 3.25, 3.5],
        [3, 3.25, 3.75, 4],
    ]
    assert upsample(SMALL, (4, 4)).tolist() == expected


def test_zero_pad_grid_golden() -> None:
    assert upsample(SMALL, (4, 4), "zero_pad_grid").tolist() == [
        [0.5625, 0.9375, 1.3125, 1.125],
        [1.125, 1.75, 2.25, 1.875],
        [1.875, 2.75, 3.25, 2.625],
        [1.6875, 2.4375, 2.8125, 2.25],
    ]
    ones = upsample(torch.ones(7, 7), (56, 56), "zero_pad_grid")
    assert ones[0, 28] == 0.5625
    assert float(ones[0, 0]) == pytest.approx(0.31641, abs=1e-5)


@pytest.mark.parametrize("mode", ["half_pixel", "zero_pad_grid"])
def test_a_single_value_is_copied(mode) -> None:
    assert torch.equal(upsample(torch.full((1, 1), 0.7), (3, 5), mode), torch.full((3, 5), 0.7))


@pytest.mark.parametrize(("source", "target"), SHAPES)
def test_half_pixel_has_pillows_bits_and_torchs_values(source, target) -> None:
    maps = torch.randn(2, 3, *source, generator=torch.Generator().manual_seed(0))
    found = upsample(maps, target)
    for image in range(2):
        for unit in range(3):
            expected = reference.enlarged(maps[image, unit].numpy(), target, "half_pixel")
            assert np.array_equal(found[image, unit].numpy(), expected)
    wide = maps.double()
    expected = interpolate(wide, target, mode="bilinear", align_corners=False, antialias=True)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("source", "target"), [shape for shape in SHAPES if 1 not in shape[0]])
def test_zero_pad_grid_is_grid_sample_between_zeros(source, target) -> None:
    maps = torch.randn(2, 3, *source, generator=torch.Generator().manual_seed(0))
    axes = [
        ((torch.arange(t, dtype=torch.float64) + 0.5) * s / t - 0.5) / (s - 1) * 2 - 1
        for s, t in zip(source, target, strict=True)
    ]
    rows, columns = torch.meshgrid(*axes, indexing="ij")
    where = torch.stack([columns, rows], dim=-1).expand(2, -1, -1, -1)
    expected = grid_sample(maps.double(), where, align_corners=True, padding_mode="zeros")
    found = upsample(maps, target, "zero_pad_grid")
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.integers(1, 9)] * 4),
    st.sampled_from(["half_pixel", "zero_pad_grid"]),
    st.floats(-3, 3, width=32),
    st.integers(0, 2**32),
)
def test_pixels_stay_on_their_sources_side_of_any_value(sizes, mode, value, seed) -> None:
    height, width, *target = sizes
    rng = np.random.default_rng(seed)
    low = np.minimum(rng.choice([value, value - 1, -3.1], (height, width)), value)
    below = torch.from_numpy(low.astype(np.float32))
    bound = value if mode == "half_pixel" else max(value, 0.0)
    assert float(upsample(below, tuple(target), mode).max()) <= bound
    bound = -value if mode == "half_pixel" else min(-value, 0.0)
    assert float(upsample(-below, tuple(target), mode).min()) >= bound


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown mode"):
        upsample(SMALL, (4, 4), "bicubic")
    with pytest.raises(ValueError, match="float32"):
        upsample(SMALL.double(), (4, 4))
    with pytest.raises(ValueError, match="at least 1"):
        grid((2, 2), (0, 4), "half_pixel")
