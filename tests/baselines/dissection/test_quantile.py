"""Streamed quantiles equal those of all values at once, in every bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.dissection import quantile
from baselines.dissection.quantile import unit_quantiles
from baselines.dissection.rules import grid_level
from baselines.dissection.upsample import upsample
from tests.baselines.dissection.doubles import ArrayMaps


def expected(values, level, size=None, mode="half_pixel"):
    maps = torch.from_numpy(values)
    columns = (maps if size is None else upsample(maps, size, mode)).transpose(0, 1).flatten(1)
    whole = np.isfinite(values).all(axis=(0, 2, 3))
    found = np.quantile(
        np.where(whole[:, None], columns.numpy(), 0).astype(np.float64),
        level,
        axis=1,
        method="hazen",
    )
    return np.where(whole, found, np.nan)


@st.composite
def layers(draw):
    shape = [draw(st.integers(1, top)) for top in (30, 4, 5, 5)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = rng.normal(0, 10.0 ** draw(st.integers(-3, 3)), shape)
    kind = draw(st.sampled_from(["plain", "ties", "rectified", "sparse", "zeros", "negative"]))
    if kind == "ties":
        values = np.round(values / values.std() * 2) if values.size > 1 else values
    elif kind == "rectified":
        values = np.maximum(values, 0)
    elif kind == "sparse":
        values = values * (rng.random(shape) < 0.02)
    elif kind == "zeros":
        values = np.where(rng.random(shape) < 0.5, 0.0, -0.0)
    elif kind == "negative":
        values = -np.abs(values)
    values = values.astype(np.float32)
    if draw(st.booleans()):
        odd = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
        values[rng.integers(shape[0]), 0, 0, 0] = odd
    return values


levels = st.one_of(st.sampled_from([0.0, 0.5, 0.9, 0.99, 994 / 999, 1.0]), st.floats(0, 1))


@settings(max_examples=150, deadline=None)
@given(layers(), levels, st.integers(1, 9), st.booleans())
def test_quantiles_of_the_maps_own_values(values, level, batch, compiled) -> None:
    found = unit_quantiles(ArrayMaps(values, batch), level, compiled=compiled)
    np.testing.assert_array_equal(found, expected(values, level))


@settings(max_examples=150, deadline=None)
@given(
    layers(),
    levels,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from(["half_pixel", "zero_pad_grid"]),
    st.booleans(),
)
def test_quantiles_of_upsampled_values(values, level, size, mode, compiled) -> None:
    maps = ArrayMaps(values, 4)
    found = unit_quantiles(maps, level, size=size, mode=mode, compiled=compiled)
    np.testing.assert_array_equal(found, expected(values, level, size, mode))


def test_wide_counts_count_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a unit has more than 2^32 values, counts have 64 bits."""
    values = np.random.default_rng(0).normal(size=(9, 3, 4, 4)).astype(np.float32)
    monkeypatch.setattr(quantile, "_NARROW", 0)
    for compiled in (True, False):
        found = unit_quantiles(ArrayMaps(values), 0.7, compiled=compiled)
        np.testing.assert_array_equal(found, expected(values, 0.7))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads(threads) -> None:
    values = np.random.default_rng(0).normal(size=(20, 30, 3, 3)).astype(np.float32)
    found = unit_quantiles(ArrayMaps(values), 0.99, size=(6, 6), threads=threads)
    np.testing.assert_array_equal(found, expected(values, 0.99, (6, 6)))


def test_level_of_the_official_grid() -> None:
    """Indices 994, 989, 979 and 949 of 0..999."""
    for share, index in ((0.005, 994), (0.01, 989), (0.02, 979), (0.05, 949)):
        assert grid_level(share) == index / 999
    with pytest.raises(ValueError, match="quantile"):
        grid_level(0.0)


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="level"):
        unit_quantiles(ArrayMaps(np.ones((1, 1, 1, 1))), 1.1)
    with pytest.raises(ValueError, match="no values"):
        unit_quantiles(ArrayMaps(np.ones((0, 1, 1, 1))), 0.5)
