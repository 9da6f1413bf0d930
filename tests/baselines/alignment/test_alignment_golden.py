"""Unit embeddings and statistics against values of the authors' code."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from baselines import alignment
from baselines.alignment.scores import centre
from tests.baselines.alignment.golden import ACTIVATIONS, IMAGES, TEXTS

CENTRED = centre(TEXTS)


def agree(found, expected, tolerance=1e-5):
    expected = torch.as_tensor(expected, dtype=torch.float64)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < tolerance


def embeddings(**settings):
    return alignment.unit_embeddings(IMAGES, ACTIVATIONS, **settings)


def statistics(top_k):
    vectors = embeddings(top_k=top_k)
    return alignment.unit_statistics(IMAGES, ACTIVATIONS, vectors, top_k=top_k, seed=0)


def test_semantic_lens():
    found = alignment.align(embeddings(top_k=2), TEXTS)
    agree(found, [[0.95861, 0.230299, 0.37296], [0.168591, 0.945093, 0.39835]])


def test_semantic_lens_of_centred_vectors():
    found = alignment.align(embeddings(top_k=2) - IMAGES.mean(dim=0), CENTRED)
    agree(found, [[0.998522, -0.532766, -0.463465], [-0.7452, 0.974781, -0.297481]])


@pytest.mark.parametrize(
    ("contrast", "expected"),
    [
        (0, [[0.960398, 0.219236, 0.376666], [0.165415, 0.946636, 0.394622]]),
        (0.5, [[0.968379, 0.192977, 0.053535], [0.0102, 0.988236, 0.247351]]),
        (1, [[0.63741, 0.070847, -0.617446], [-0.180115, 0.983616, 0.053435]]),
    ],
)
def test_contrastive_projection(contrast, expected):
    vectors = embeddings(top_k=2, weighted=True, contrast=contrast)
    agree(alignment.align(vectors, TEXTS), expected)


def test_contrastive_projection_of_two_axes():
    """Each top image has the other axis, or itself, as its most similar one."""
    images = torch.tensor([[1.0, 0], [0, 1], [0, 1], [1, 0]])
    activations = torch.tensor([[3.0, 0], [1, 0], [0, 3], [0, 1]])
    texts = normalize(torch.tensor([[1.0, 0], [0, 1], [1, 1]]))
    vectors = alignment.unit_embeddings(images, activations, top_k=2, weighted=True, contrast=0.5)
    # (3 (1 - c), 1 (1 - c)): both images lose half of themselves.
    agree(alignment.align(vectors, texts)[0], [0.948683, 0.316228, 0.894427])


@pytest.mark.parametrize(
    ("top_k", "clarity", "polysemanticity", "redundancy"),
    [
        (2, [0.965219, 0.983095], None, None),
        (3, [0.651856, 0.661948], [0.123699, 0.119868], 0.759791),
        (4, [0.582401, 0.643212], [0.445058, 0.476596], 0.916758),
        (5, None, [0.338533, 0.435415], None),
    ],
)
def test_statistics(top_k, clarity, polysemanticity, redundancy):
    found = statistics(top_k)
    if clarity:
        assert found.clarity.tolist() == pytest.approx(clarity, abs=1e-5)
    if polysemanticity:
        assert found.polysemanticity.tolist() == pytest.approx(polysemanticity, abs=1e-5)
    if redundancy:
        assert found.redundancy.mean() == pytest.approx(redundancy, abs=1e-5)


def test_directions():
    covariance = alignment.covariance_directions(IMAGES, ACTIVATIONS)
    expected = [[0.992324, -0.672076, -0.301615], [-0.899039, 0.876532, -0.025067]]
    agree(alignment.align(covariance, CENTRED), expected)
    ridge = alignment.ridge_directions(IMAGES, ACTIVATIONS, ridge=0.01)
    expected = [[0.135385, 0.7303, -0.95741], [-0.412088, 0.981765, -0.657998]]
    agree(alignment.align(ridge, CENTRED), expected)
    expected = [[0.042269, 0.533547, -0.764037], [-0.367928, 0.753309, -0.530278]]
    agree(alignment.align(ridge, TEXTS), expected)


def test_word_sets():
    weights = torch.tensor([[10, 9.6, 9.4, -1], [9.5, 10, 9.5001, 3], [-2, -1, -3, -4]])
    chosen = alignment.word_sets(weights, 95)
    assert chosen[0].tolist() == [True, True, False, False]
    assert chosen[1].tolist() == [False, True, True, False]
    assert chosen[2].tolist() == [False, True, False, False]  # the published code has none
