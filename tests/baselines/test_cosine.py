"""The cosines of many images, of odd scales and layouts, and by both ways of making tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines import similarity as sim
from baselines.similarity import cosine
from baselines.similarity.sources import EmbeddedScores

BOTH = pytest.mark.parametrize("cubed", [False, True])
TINY = 1e-300  # a smallest divisor that never matters


def reference(s, a, *, cubed, min_norm=1e-3):
    """Float64 throughout: the definitions, with one product of whole matrices."""
    s, a = np.float64(s), np.float64(a)
    if cubed:
        s, a = ((x - x.mean(axis=0)) ** 3 for x in (s, a))
    least = min_norm if cubed else 0
    s, a = (x / np.maximum(np.sqrt((x * x).sum(axis=0)), least) for x in (s, a))
    return a.T @ s


def ours(s, a, *, cubed, min_norm=1e-3):
    s, a = torch.as_tensor(s), torch.as_tensor(a)
    found = sim.cos_similarity_cubed(s, a, min_norm=min_norm) if cubed else sim.cos_similarity(s, a)
    assert found.dtype == torch.float32
    return found.numpy()


def draw(n, c=7, u=5, seed=0):
    """Scores like real cosines, and activations after a ReLU, all of one sign: sums only grow."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.2, 0.03, (n, c)).astype("f"), rng.normal(0, 2, (n, u)).clip(0).astype("f")


@pytest.fixture(params=["kernel", "torch"])
def _way(request, monkeypatch):
    """As on a CPU, and with the operations and sizes of a GPU."""
    if request.param == "torch":
        monkeypatch.setattr(cosine, "_add_by_kernel", cosine._add_by_torch)
        monkeypatch.setattr(cosine, "_CPU_TILE", cosine._GPU_TILE)


@BOTH
@pytest.mark.usefixtures("_way")
def test_many_images_lose_little(cubed):
    s, a = draw(40_000)
    expected = reference(s, a, cubed=cubed)
    np.testing.assert_allclose(ours(s, a, cubed=cubed), expected, rtol=0, atol=1e-6)


@pytest.mark.usefixtures("_way")
def test_embeddings_are_as_good_as_their_product():
    rng = np.random.default_rng(1)
    images, texts = (torch.from_numpy(rng.normal(0.3, 1, (n, 24)).astype("f")) for n in (9000, 11))
    a = torch.from_numpy(rng.normal(0, 1, (9000, 4)).astype("f"))
    unit = [x.double() / x.double().norm(dim=1, keepdim=True) for x in (images, texts)]
    source = EmbeddedScores(images, texts)
    for cubed, function in ((False, sim.cos_similarity), (True, sim.cos_similarity_cubed)):
        expected = reference((unit[0] @ unit[1].T).numpy(), a.numpy(), cubed=cubed)
        np.testing.assert_allclose(function(source, a).numpy(), expected, rtol=0, atol=2e-6)


@BOTH
@pytest.mark.parametrize("scale", [1e-38, 1e-25, 1e-12, 1e12, 1e18, 1e36])
@pytest.mark.usefixtures("_way")
def test_scores_of_any_scale(cubed, scale):
    """Squares and cubes of these leave float32's range, among columns that do not."""
    s, a = draw(300)
    s[:, 2] *= np.float32(scale)
    a[:, 3] = 0
    expected = reference(s, a[:, [0, 1, 2, 4]], cubed=cubed, min_norm=TINY)
    found = ours(s, a, cubed=cubed, min_norm=TINY)
    np.testing.assert_allclose(found[[0, 1, 2, 4]], expected, rtol=0, atol=1e-5)
    assert np.isnan(found[3]).all()


@BOTH
@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_activations_of_any_scale(cubed, scale):
    s, a = draw(300)
    a *= np.float32(scale)
    expected = reference(s, a, cubed=cubed, min_norm=TINY)
    found = ours(s, a, cubed=cubed, min_norm=TINY)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@BOTH
@pytest.mark.usefixtures("_way")
def test_any_layout_and_half_precision(cubed):
    s, a = (torch.from_numpy(x) for x in draw(500))
    whole = ours(s, a, cubed=cubed)
    across = ours(s.T.contiguous().T, a.T.contiguous().T, cubed=cubed)
    np.testing.assert_allclose(across, whole, rtol=0, atol=1e-6)
    wider = torch.cat([s, s], dim=1)
    np.testing.assert_allclose(ours(wider[:, :7], a, cubed=cubed), whole, rtol=0, atol=1e-6)
    half = s.half()
    expected = reference(half.numpy(), a.numpy(), cubed=cubed)
    np.testing.assert_allclose(ours(half, a, cubed=cubed), expected, rtol=0, atol=1e-5)


@BOTH
def test_inputs_stay_as_they_are(cubed):
    s, a = (torch.from_numpy(x) for x in draw(50))
    kept = s.clone(), a.clone()
    ours(s, a, cubed=cubed)
    assert torch.equal(s, kept[0])
    assert torch.equal(a, kept[1])


@pytest.mark.usefixtures("_way")
def test_a_concept_without_a_direction_among_others():
    s, a = draw(40)
    whole = ours(s, a, cubed=False)
    s[:, [0, 6]] = 0
    found = ours(s, a, cubed=False)
    assert np.isneginf(found[:, [0, 6]]).all()
    np.testing.assert_allclose(found[:, 1:6], whole[:, 1:6], rtol=0, atol=1e-6)


@BOTH
def test_threads_change_no_byte_of_a_tile(cubed):
    s, _ = draw(3000)
    before = torch.get_num_threads()
    tile, means = torch.from_numpy(s), torch.from_numpy(s.mean(axis=0, dtype="d"))
    sums = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            squares = torch.zeros((cosine._BANDS, 7), dtype=torch.float64)
            cosine._add_by_kernel(tile, means if cubed else None, torch.empty_like(tile), squares)
            sums.append(squares.sum(dim=0))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*sums)
    x = np.float64(s) - means.numpy() if cubed else np.float64(s)
    np.testing.assert_allclose(sums[0], (x ** (6 if cubed else 2)).sum(axis=0), rtol=1e-12)
