"""Sums over cells, and the hash of masks that follows the algebra of sizes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.composition.cells import CellsBuilder, image_cells
from baselines.composition.kernels.pixels import distinct_columns
from baselines.spatial import ImageMasks
from tests.baselines.composition import plain


def random_cells(seed, n_labels=6, n_images=4):
    random = np.random.default_rng(seed)
    builder = CellsBuilder(n_labels)
    for _ in range(n_images):
        planes = random.integers(-1, n_labels, (2, 3, 4)).astype(np.int32)
        builder.add(image_cells(ImageMasks(planes), (3, 4), n_labels))
    return builder.build(), random


def weigh_by_numpy(cells, holds, rows, weights):
    """The reference of `Cells.weigh`."""
    sums = np.zeros((len(holds), cells.n_labels, weights.shape[1]), np.uint64)
    for own, member in zip(sums, holds, strict=True):
        for row in np.flatnonzero(member[rows]):
            np.add.at(own, plain.labels_of(cells, rows[row]), weights[row])
    return sums


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_distinct_columns_are_those_of_numpy(seed):
    random = np.random.default_rng(seed)
    planes = random.integers(-1, 3, (random.integers(1, 4), 20)).astype(np.int32)
    codes, examples = distinct_columns(planes)
    unique, inverse = np.unique(planes, axis=1, return_inverse=True)
    assert len(examples) == unique.shape[1]
    assert planes[:, examples[codes]].tolist() == planes.tolist()
    pairs = set(zip(codes.tolist(), inverse.ravel().tolist(), strict=True))
    assert len(pairs) == len(examples)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_compiled_sums_are_those_of_numpy(seed):
    cells, random = random_cells(seed)
    holds = random.random((3, len(cells))) < 0.5
    rows = np.flatnonzero(random.random(len(cells)) < 0.7)
    weights = cells.weights[rows]
    found = cells.weigh(holds, rows, weights)
    assert found.tolist() == weigh_by_numpy(cells, holds, rows, weights).tolist()
    assert found.dtype == np.uint64
    every = np.arange(len(cells))
    found = cells.weigh(holds, None, cells.weights)
    assert found.tolist() == cells.weigh(holds, every, cells.weights).tolist()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_hashes_follow_the_algebra_of_masks(seed):
    cells, random = random_cells(seed)
    f = random.random(len(cells)) < 0.5
    [shared] = cells.weigh(f[None], None, cells.weights)

    def mark(holds):
        return cells.weights[holds].sum(axis=0).tolist()

    total = cells.weights[f].sum(axis=0)
    for label in range(cells.n_labels):
        holds = cells.holding(label)
        own = cells.label_weights[label]
        assert mark(holds) == own.tolist()
        assert mark(f | holds) == (total + own - shared[label]).tolist()
        assert mark(f & holds) == shared[label].tolist()
        assert mark(f & ~holds) == (total - shared[label]).tolist()


def test_memory_is_that_of_label_sets_not_of_pixels():
    small, large = CellsBuilder(2), CellsBuilder(2)
    planes = np.array([[[0, 0], [1, -1]]], np.int32)
    small.add(image_cells(ImageMasks(planes), (2, 2), 2))
    wide = np.repeat(np.repeat(planes, 50, axis=1), 50, axis=2)
    large.add(image_cells(ImageMasks(wide), (100, 100), 2))
    assert large.build().held_bytes == small.build().held_bytes
    assert large.build().sizes.tolist() == [5000, 2500]
