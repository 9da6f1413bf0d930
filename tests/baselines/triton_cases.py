"""The Triton loops, interpreted on the CPU: run by `test_triton.py` in a process of their own."""

import math

import numpy as np
import pytest
import torch
from test_similarity import ref_rank_reorder, ref_soft_wpmi, ref_wpmi

from baselines import similarity as sim
from baselines.similarity import likelihood_by_triton, pointwise, reorder, reorder_by_triton
from baselines.similarity.sources import EmbeddedScores, ScoreMatrix

NARROW = {"rtol": 2e-7, "atol": 0}


@pytest.fixture(autouse=True)
def on_triton(monkeypatch):
    """What a GPU would run; nothing else may."""
    for module in (pointwise, reorder):
        monkeypatch.setattr(module, "has_kernels", lambda _device, dtype: dtype != torch.float64)
    for name in ("log_likelihood", "log_likelihood_by_torch"):
        monkeypatch.setattr(pointwise, name, None)
    for name in ("_ranked_once", "_sorted_per_unit"):
        monkeypatch.setattr(reorder, name, None)


def draw(seed, n, c, u, *, ties=False, centre=0.2):
    rng = np.random.default_rng(seed)
    s, a = rng.normal(centre, 0.1, (n, c)), rng.normal(0, 1, (n, u))
    if ties:
        s, a = np.round(s * 20) / 20, np.round(a * 2)
    return torch.from_numpy(s).float(), torch.from_numpy(a).float()


def same(found, scores, activations, reference, tolerance=1e-5, **options):
    expected = reference(scores.double().numpy(), activations.double().numpy(), **options)
    np.testing.assert_allclose(found.numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("wide", [False, True])
def test_wpmi_with_dead_units_and_more_images_wanted_than_there_are(wide):
    s, a = draw(1, 6, 131 if wide else 3, 4, ties=True)
    a[:, 1], a[2, 3] = 0.5, math.nan
    same(sim.wpmi(s, a), s, a, ref_wpmi)
    same(sim.soft_wpmi(s, a, lam=0.3), s, a, ref_soft_wpmi, lam=0.3)
    assert torch.isnan(sim.wpmi(s, a)[[1, 3]]).all()
    assert torch.equal(sim.wpmi(s.T.contiguous().T, a).nan_to_num(), sim.wpmi(s, a).nan_to_num())


@pytest.mark.parametrize("rows", [1, 4, 100])
def test_blocks_of_embeddings(rows, monkeypatch):
    generator = torch.Generator().manual_seed(2)
    images, concepts = (torch.randn(n, 6, generator=generator) for n in (20, 7))
    a = torch.randn(20, 2, generator=generator)
    source = EmbeddedScores(images, concepts)
    monkeypatch.setattr(likelihood_by_triton, "scratch_bytes", lambda _device: rows * 7 * 4)
    found = sim.soft_wpmi(source, a, top_k=5, a=2.0)
    same(found, source.tile(None, 0, 7), a, ref_soft_wpmi, top_k=5, a=2.0)


def test_products_are_flushed_before_they_underflow():
    s = torch.tensor([[1.0, 0.0]]).repeat(90, 1)
    top = torch.arange(90)[:, None]
    found = likelihood_by_triton.log_likelihood_by_triton(
        ScoreMatrix(s), top, [1.0] * 90, 1000.0, 1e-7
    )
    assert found[0, 1].item() == pytest.approx(90 * math.log(1e-7), rel=1e-9)
    assert found[0, 0].item() == pytest.approx(90 * math.log1p(1e-7), rel=1e-3)


def test_the_marginal_is_the_mean_likelihood():
    s, a = draw(3, 4, 5, 2)
    likelihood = sim.wpmi(s, a, lam=0.0)
    marginal = likelihood.double().exp().mean(dim=0).log()
    expected = (likelihood - 0.6 * marginal).float()
    torch.testing.assert_close(sim.wpmi(s, a), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 2.5])
def test_rank_reorder(p):
    s, a = draw(4, 70, 2, 2)
    a[:, 1] = 2.0
    found = sim.rank_reorder(s, a, top_fraction=0.4, p=p)
    same(found, s, a, ref_rank_reorder, 1e-6, top_fraction=0.4, p=p)


def test_rank_reorder_with_runs_of_equal_scores_and_tiles_of_concepts(monkeypatch):
    s, a = draw(5, 40, 17, 2, ties=True, centre=0.05)
    s[:, 2] = torch.where(torch.arange(40) % 2 == 0, 0.0, -0.0)
    s[20:, 2] = 0.1
    monkeypatch.setattr(reorder_by_triton, "scratch_bytes", lambda _device: 1)  # 16 of a tile
    found = sim.rank_reorder(s, a, top_fraction=0.4)
    same(found, s, a, ref_rank_reorder, 1e-6, top_fraction=0.4)


def test_rank_reorder_with_a_long_run_and_few_of_its_images_wanted():
    s, a = torch.full((40, 1), 0.1), torch.zeros(40, 1)
    a[35], a[3], a[30] = 5.0, 4.0, 2.0
    found = sim.rank_reorder(s, a, top_fraction=0.08)
    same(found, s, a, ref_rank_reorder, 1e-6, top_fraction=0.08)


def test_rank_reorder_of_more_units_than_a_word_has_bits(monkeypatch):
    s, a = draw(6, 40, 1, 34)
    a = a.double()
    found = sim.rank_reorder(s, a, top_fraction=0.1)
    same(found, s, a, ref_rank_reorder, 1e-6, top_fraction=0.1)


def test_rank_reorder_undefined_scores_and_the_official_baseline(monkeypatch):
    s, a = draw(7, 20, 2, 3)
    s[:, 0] -= 5
    a[:4, 1] = 9.0  # its top images are all alike
    found = sim.rank_reorder(s, a, top_fraction=0.2)
    same(found, s, a, ref_rank_reorder, 1e-6, top_fraction=0.2)
    assert (found[:, 0] == -torch.inf).all()
    assert (found[1] == -torch.inf).all()
    official = sim.rank_reorder(s, a, top_fraction=0.2, baseline="official", seed=3)
    monkeypatch.undo()
    expected = sim.rank_reorder(s.double(), a, top_fraction=0.2, baseline="official", seed=3)
    np.testing.assert_allclose(official.numpy(), expected.numpy(), **NARROW)


def test_half_precision_is_full_of_ties(monkeypatch):
    s, a = (x.bfloat16() for x in draw(8, 40, 1, 2))
    ranked = sim.rank_reorder(s, a, top_fraction=0.3)
    likely = sim.wpmi(s, a, top_k=5)
    monkeypatch.undo()
    expected = sim.rank_reorder(s.double(), a.float(), top_fraction=0.3)
    torch.testing.assert_close(ranked, expected.to(ranked.dtype))
    expected = sim.wpmi(s.double(), a.float(), top_k=5)
    torch.testing.assert_close(likely, expected.to(likely.dtype), rtol=0, atol=1e-5)
