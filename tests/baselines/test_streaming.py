"""Scores read in tiles: from embeddings as from a matrix, in any blocks, on any threads."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines import similarity as sim
from baselines.similarity import likelihood, sources
from baselines.similarity.likelihood_by_torch import log_likelihood_by_torch
from baselines.similarity.sources import EmbeddedScores, ScoreMatrix

FUNCTIONS = (
    sim.soft_wpmi, sim.wpmi, sim.rank_reorder, sim.cos_similarity, sim.cos_similarity_cubed
)  # fmt: skip
SIZES = st.tuples(*(st.integers(low, high) for low, high in ((2, 40), (1, 6), (1, 9), (2, 5))))


def draw(seed, n, u, c, d):
    generator = torch.Generator().manual_seed(seed)
    shift = torch.ones(d)
    images = torch.randn(n, d, generator=generator) + shift
    concepts = torch.randn(c, d, generator=generator) + shift
    return images, concepts, torch.randn(n, u, generator=generator)


def in_float64(scores, activations, top_k, a, membership, min_prob):
    """L by its definition, in float64."""
    probabilities = torch.softmax(a * scores.double(), dim=1)
    total = torch.zeros(activations.shape[1], scores.shape[1], dtype=torch.float64)
    for unit in range(activations.shape[1]):
        top = torch.argsort(activations[:, unit], descending=True, stable=True)[:top_k]
        for p, image in zip(membership, top.tolist(), strict=True):
            total[unit] += torch.log(1 + p * (probabilities[image] - 1) + min_prob)
    return total


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=25, deadline=None)
@given(SIZES, st.integers(0, 1000))
def test_embeddings_score_as_their_matrix(function, sizes, seed):
    images, concepts, activations = draw(seed, *sizes)
    source = EmbeddedScores(images, concepts)
    matrix = source.tile(None, 0, len(concepts))
    torch.testing.assert_close(
        function(source, activations),
        function(matrix, activations),
        rtol=1e-4,
        atol=1e-5,
        equal_nan=True,
    )


@pytest.mark.parametrize("a", [2.0, 10.0])
@pytest.mark.parametrize("p_start", [1.0, 0.998])
def test_likelihood_against_its_definition(a, p_start):
    """To 1e-5 of float64, with more factors than one product can hold."""
    images, concepts, activations = draw(1, 700, 4, 11, 6)
    source = EmbeddedScores(images, concepts)
    top_k = 400
    membership = [p_start - k / top_k * 0.028 for k in range(top_k)]
    expected = in_float64(source.tile(None, 0, 11), activations, top_k, a, membership, 1e-7)
    top = torch.argsort(activations, dim=0, descending=True, stable=True)[:top_k]
    for compute in (likelihood.log_likelihood, log_likelihood_by_torch):
        found = compute(source, top, membership, a, 1e-7)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_no_product_underflows():
    """Membership 1 and probabilities of nearly 0: every factor is min_prob."""
    scores = torch.tensor([[1.0, 0.0]]).repeat(500, 1)
    top = torch.arange(500)[:, None]
    found = likelihood.log_likelihood(ScoreMatrix(scores), top, [1.0] * 500, 1000.0, 1e-7)
    assert found[0, 1].item() == pytest.approx(500 * math.log(1e-7), rel=1e-9)


@pytest.mark.parametrize("function", [sim.soft_wpmi, sim.wpmi])
@pytest.mark.parametrize(("rows", "piece"), [(1, 1), (3, 20), (7, 2**18)])
def test_blocks_of_images_change_nothing(function, rows, piece, monkeypatch):
    images, concepts, activations = draw(2, 60, 5, 130, 4)
    source = EmbeddedScores(images, concepts)
    whole = function(source, activations)
    monkeypatch.setattr(likelihood, "_BLOCK_ROWS", rows)
    monkeypatch.setattr(likelihood, "_SLICE", piece)
    torch.testing.assert_close(function(source, activations), whole, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("function", [sim.soft_wpmi, sim.wpmi, sim.rank_reorder])
def test_threads_change_no_byte_of_compiled_loops(function):
    _, _, activations = draw(3, 90, 6, 4, 4)
    scores = torch.rand(90, 200, generator=torch.Generator().manual_seed(4))
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(function(scores, activations))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])


def test_huge_scores_are_finite_and_one_that_is_not_is_found(monkeypatch):
    monkeypatch.setattr(sources, "_CHECKED", (8, 8))  # two rows at a time
    for kind, most in ((torch.float32, 3e38), (torch.float16, 6e4), (torch.bfloat16, 3e38)):
        scores = torch.full((9, 4), most, dtype=kind)
        assert ScoreMatrix(scores).n_images == 9  # though their sum is beyond the type
        for wrong in (torch.nan, torch.inf, -torch.inf):
            scores[5, 2], scores[7, 0] = wrong, -wrong
            with pytest.raises(ValueError, match="of image 5 are not all finite"):
                ScoreMatrix(scores)


@pytest.mark.parametrize(
    ("images", "concepts", "says"),
    [
        (torch.rand(3), torch.rand(2, 4), "image_embeddings must be two-dimensional"),
        (torch.rand(3, 4), torch.ones(2, 4).int(), "concept_embeddings must be floating point"),
        (torch.rand(3, 4), torch.rand(2, 5), "must be of the same encoder"),
        (torch.rand(0, 4), torch.rand(2, 4), "0 images"),
        (torch.rand(3, 4), torch.full((2, 4), torch.nan), "of concept 0 are not all finite"),
    ],
)
def test_refused_embeddings(images, concepts, says):
    with pytest.raises(ValueError, match=says):
        EmbeddedScores(images, concepts)
