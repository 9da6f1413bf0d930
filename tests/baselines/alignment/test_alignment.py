"""Unit embeddings against plain loops, and units, images and texts of unusual values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from baselines import alignment
from baselines.alignment import embeddings as module
from baselines.alignment.statistics import _best_clusters
from tests.baselines.alignment import plain


def random_inputs(n=40, units=6, width=5, seed=0, shift=0.5):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, width)) + shift
    return torch.from_numpy(images).float(), torch.from_numpy(rng.normal(size=(n, units))).float()


def in_float64(images, activations):
    images, activations = images.double().numpy(), activations.double().numpy()
    return images / np.linalg.norm(images, axis=1, keepdims=True), activations


def same(found, expected, tolerance=1e-5):
    assert np.abs(found.numpy() - np.asarray(expected)).max() < tolerance


@pytest.mark.parametrize("shift", [-3, 0, 3])  # of the activations: some, all or none negative
@pytest.mark.parametrize(
    "options",
    [
        {"top_k": 7},
        {"top_k": 7, "weighted": True},
        {"top_k": 7, "weighted": True, "contrast": 0.5},
        {"top_k": 100, "weighted": True, "contrast": 1.0},
    ],
)
@pytest.mark.parametrize("tile", [1, 2**24])
def test_embeddings_equal_the_plain_loop(monkeypatch, shift, options, tile):
    monkeypatch.setattr(module, "_TILE", (tile, tile))
    images, activations = random_inputs()
    activations += shift
    rows = alignment.normalise_images(images, activations)
    exact_images, exact = in_float64(images, activations)
    expected = [plain.embedding(exact_images, column, **options) for column in exact.T]
    same(alignment.unit_embeddings(rows, activations, **options), expected)


def test_directions_equal_the_plain_formulas(monkeypatch):
    monkeypatch.setattr(module, "_IMAGES", 7)
    images, activations = random_inputs()
    activations = activations * torch.tensor([1e-6, 1, 1, 1, 1e6, 1]) + 100 * torch.arange(6) % 3
    rows = alignment.normalise_images(images, activations)
    exact_images, exact = in_float64(images, activations)
    found = alignment.covariance_directions(rows, activations)
    expected = [plain.covariance(exact_images, column) for column in exact.T]
    same(normalize(found, dim=1), [plain.unit(row) for row in expected])
    some = activations[:, 1:4]
    found = alignment.ridge_directions(rows, some, ridge=0.01)
    same(found, plain.ridge(exact_images, some.double().numpy(), 0.01))


def test_statistics_equal_the_plain_loops():
    images, activations = random_inputs(n=20, units=3)
    rows = alignment.normalise_images(images, activations)
    exact_images, exact = in_float64(images, activations)
    vectors = alignment.unit_embeddings(rows, activations, top_k=7)
    found = alignment.unit_statistics(rows, activations, vectors, top_k=7, seed=3)
    for unit, column in enumerate(exact.T):
        row = found.loc[unit]
        assert row.clarity == pytest.approx(plain.clarity(exact_images, column, 7), abs=1e-5)
        expected = plain.monosemanticity(exact_images, column)
        assert row.monosemanticity == pytest.approx(expected, abs=1e-5)
    means = [plain.embedding(exact_images, column, 7) for column in exact.T]
    assert found.length.tolist() == pytest.approx([np.linalg.norm(m) for m in means], abs=1e-5)
    others = [[plain.cosine(a, b) for b in means if b is not a] for a in means]
    assert found.redundancy.tolist() == pytest.approx([max(each) for each in others], abs=1e-5)
    pairs = exact_images @ exact_images.T
    expected = (pairs.sum() - len(pairs)) / (len(pairs) * (len(pairs) - 1))
    for name in ("random_clarity", "random_monosemanticity"):
        assert found[name].tolist() == pytest.approx([expected] * 3, abs=1e-5)


def test_two_clusters_are_the_best_of_all_where_images_are_of_two_kinds():
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(2, 5))[rng.integers(2, size=60)]
    images = torch.from_numpy(kinds + rng.normal(scale=0.2, size=(60, 5))).float()
    _, activations = random_inputs(n=60)
    rows = alignment.normalise_images(images, activations)
    exact_images, exact = in_float64(images, activations)
    vectors = alignment.unit_embeddings(rows, activations, top_k=8)
    found = alignment.unit_statistics(rows, activations, vectors, top_k=8, seed=0)
    expected = [plain.polysemanticity(exact_images, column, 8) for column in exact.T]
    assert found.polysemanticity.tolist() == pytest.approx(expected, abs=1e-5)


def test_two_clusters_of_any_images_are_nearly_the_best_of_all():
    images, activations = random_inputs(units=10)
    rows = alignment.normalise_images(images, activations)
    exact_images, exact = in_float64(images, activations)
    top = torch.stack([rows[plain.chosen(column, 8)] for column in exact.T])
    cosines = (top @ top.transpose(1, 2)).double()
    clusters = _best_clusters(cosines, torch.ones(10, 8).double())
    ratios = []
    for column, cluster in zip(exact.T, clusters.bool().numpy(), strict=True):
        vectors = exact_images[plain.chosen(column, 8)]
        best = min(plain.spread(vectors, pair) for pair in plain.splits(8))
        ratios.append(plain.spread(vectors, [cluster[:, 0], cluster[:, 1]]) / best)
    assert min(ratios) > 1 - 1e-9
    assert np.mean(ratios) < 1.02


def test_a_unit_of_two_things_is_told_from_a_unit_of_one():
    """Against random images, one is clear and the other polysemantic."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(4, size=400)
    images = torch.from_numpy(np.eye(8)[kinds] + rng.normal(scale=0.05, size=(400, 8))).float()
    one = torch.from_numpy((kinds == 0) + rng.normal(scale=0.05, size=400)).float()
    two = torch.from_numpy((kinds < 2) + rng.normal(scale=0.05, size=400)).float()
    activations = torch.stack((one, two), dim=1)
    rows = alignment.normalise_images(images, activations)
    vectors = alignment.unit_embeddings(rows, activations, top_k=20)
    found = alignment.unit_statistics(rows, activations, vectors, top_k=20, seed=0)
    assert found.clarity[0] > 0.9 > 0.6 > found.clarity[1] > found.random_clarity[1]
    assert found.polysemanticity[0] < 0.1 < 0.9 < found.polysemanticity[1]
    assert found.polysemanticity[0] < found.random_polysemanticity[0] / 2
    assert found.monosemanticity[0] > found.monosemanticity[1] > found.random_monosemanticity[1]


def test_dead_units_have_no_vector_and_change_no_other():
    images, activations = random_inputs()
    rows = alignment.normalise_images(images, activations)
    mixed = activations.clone()
    mixed[:, 1] = 2.5
    mixed[3, 4] = torch.nan
    mixed[5, 5] = torch.inf
    dead, live = [1, 4, 5], [0, 2, 3]
    functions = [
        lambda a: alignment.unit_embeddings(rows, a, top_k=5, weighted=True, contrast=0.5),
        lambda a: alignment.covariance_directions(rows, a),
        lambda a: alignment.ridge_directions(rows, a, ridge=0.1),
    ]
    for function in functions:
        found = function(mixed)
        assert found[dead].isnan().all()
        assert torch.allclose(found[live], function(activations[:, live]), atol=1e-9)
        scores = alignment.align(found, torch.eye(5))
        assert scores[dead].isnan().all()
        assert scores[live].isfinite().all()
        none = function(torch.ones_like(activations))
        assert none.isnan().all()
    vectors = alignment.unit_embeddings(rows, mixed, top_k=5)
    table = alignment.unit_statistics(rows, mixed, vectors, top_k=5, seed=0)
    names = ["length", "clarity", "polysemanticity", "redundancy", "monosemanticity"]
    assert table.loc[dead, names].isna().all(axis=None)
    assert table.loc[live, names].notna().all(axis=None)
    none = torch.full_like(vectors, torch.nan)
    table = alignment.unit_statistics(rows, torch.ones_like(mixed), none, top_k=5, seed=0)
    assert table.drop(columns="unit").isna().all(axis=None)


def test_a_sparse_unit_is_the_mean_of_the_images_that_it_prefers():
    images, activations = random_inputs(units=2)
    activations = torch.zeros_like(activations)
    activations[[3, 8], 0] = torch.tensor([1.0, 2.0])
    activations[5, 1] = 1
    rows = alignment.normalise_images(images, activations)
    found = alignment.unit_embeddings(rows, activations, top_k=20)
    assert torch.allclose(found[0], rows[[3, 8]].double().mean(dim=0))
    assert torch.allclose(found[1], rows[5].double())
    table = alignment.unit_statistics(rows, activations, found, top_k=20, seed=0)
    assert table.clarity[0] == pytest.approx(float(rows[3] @ rows[8]), abs=1e-6)
    assert table.loc[1, ["clarity", "polysemanticity", "monosemanticity"]].isna().all()


def test_equal_activations_go_by_the_lowest_index():
    images, _ = random_inputs(n=8)
    activations = torch.tensor([[0.0], [1], [1], [1], [1], [0], [1], [1]])
    rows = alignment.normalise_images(images, activations)
    found = alignment.unit_embeddings(rows, activations, top_k=3)
    assert torch.allclose(found[0], rows[[1, 2, 3]].double().mean(dim=0))


def test_equal_images_are_one_cluster():
    images = torch.ones(10, 3)
    activations = torch.arange(20.0).view(10, 2)
    rows = alignment.normalise_images(images, activations)
    vectors = alignment.unit_embeddings(rows, activations, top_k=5)
    table = alignment.unit_statistics(rows, activations, vectors, top_k=5, seed=0)
    assert table.polysemanticity.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert table.clarity.tolist() == pytest.approx([1, 1], abs=1e-6)


def test_vectors_without_length_have_no_score():
    vectors = torch.tensor([[1.0, 0], [0, 0], [torch.nan, torch.nan]], dtype=torch.float64)
    texts = torch.tensor([[1.0, 0], [0, 0], [0, 2]], dtype=torch.float64)
    found = alignment.align(vectors, texts)
    assert found[0].tolist() == [1, -torch.inf, 0]
    assert found[1].tolist() == [-torch.inf] * 3
    assert found[2].isnan().all()
    weights = alignment.word_weights(vectors, texts, torch.tensor([0.0, 3]))
    assert weights[0].tolist() == [1, -torch.inf, 0]
    assert weights[2].isnan().all()


def test_word_weights_are_mean_differences_of_cosines():
    images, activations = random_inputs()
    texts, blank = random_inputs(n=9, seed=1)[0], random_inputs(n=1, seed=2)[0][0]
    rows = alignment.normalise_images(images, activations)
    vectors = alignment.unit_embeddings(rows, activations, top_k=4)
    found = alignment.word_weights(vectors, texts, blank)
    template = blank.double().numpy()
    for unit, column in enumerate(activations.T.numpy()):
        top = [images[i].double().numpy() for i in plain.chosen(column, 4)]
        for word, text in enumerate(texts.double().numpy()):
            adaptive = [plain.cosine(i, text) - plain.cosine(i, template) for i in top]
            assert float(found[unit, word]) == pytest.approx(np.mean(adaptive), abs=1e-5)
    plainly = alignment.word_weights(vectors, texts, None)
    assert torch.equal(plainly.argsort(dim=1), found.argsort(dim=1))


@pytest.mark.parametrize(
    ("images", "activations", "message"),
    [
        (torch.ones(3, 2), torch.ones(4, 2), "one row per image"),
        (torch.ones(3), torch.ones(3, 2), "one row per image"),
        (torch.ones(0, 2), torch.ones(0, 2), "no images"),
    ],
)
def test_refused_inputs(images, activations, message):
    with pytest.raises(ValueError, match=message):
        alignment.normalise_images(images, activations)


@settings(max_examples=15, deadline=None)
@given(
    values=st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=12),
    top_k=st.integers(1, 15),
    factor=st.sampled_from([0.25, 2.0, 1024.0]),
)
def test_positive_factors_change_no_vector(values, top_k, factor):
    """Of any activations; and a vector lies in the hull of the images without a contrast."""
    activations = torch.tensor(values).float()[:, None]
    images = alignment.normalise_images(random_inputs(n=len(values))[0], activations)
    if float(activations.min()) == float(activations.max()):
        return
    for options in ({}, {"weighted": True}, {"weighted": True, "contrast": 0.5}):
        one = alignment.unit_embeddings(images, activations, top_k=top_k, **options)
        other = alignment.unit_embeddings(images, factor * activations, top_k=top_k, **options)
        assert torch.allclose(one, other, atol=1e-6)
        assert float(one.norm()) < 1.5 + 1e-6
    one, other = (alignment.covariance_directions(images, f * activations) for f in (1, factor))
    assert torch.allclose(one, other, atol=1e-5)
