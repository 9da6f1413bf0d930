"""rank_reorder's compiled loops against its path of tensor operations, thread counts and ties."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.similarity import rank_reorder, reorder
from baselines.similarity.kernels import reorder as kernel
from baselines.similarity.sources import EmbeddedScores, as_scores
from baselines.similarity_parameters import effective_top_n
from baselines.threads import workers

ROOT = Path(__file__).resolve().parents[2]


def by_sorting(scores, activations, *, top_fraction=0.05, p=3.0, scale_p=0.5, baseline="exact"):
    n_top = effective_top_n(len(activations), top_fraction)
    source = as_scores(scores)
    rule = reorder.Rule(n_top, p, scale_p, baseline, seed=0)
    return reorder._sorted_per_unit(source, activations, rule)


def assert_same(found, expected):
    """Equal to float32's last place.

    Both paths add the same float64 terms in different orders, some 1e-13 apart: after rounding
    to float32 that is no difference, or a whole last place where a rounding boundary lies between.
    """
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1.3e-7, atol=0)
    # A perfect order is exactly 0 in both.
    assert torch.equal(found == 0, expected == 0)


def draw(seed, n, c, u, *, ties=False, centre=0.2, dtype=np.float32):
    rng = np.random.default_rng(seed)
    s, a = rng.normal(centre, 0.1, (n, c)), rng.normal(0, 1, (n, u))
    if ties:
        s, a = np.round(s * 8) / 8, np.round(a * 2)
        s *= rng.choice([1, -1], s.shape) if centre == 0 else 1  # zeros of both signs
    return torch.from_numpy(s.astype(np.float32)), torch.from_numpy(a.astype(dtype))


@st.composite
def inputs(draw_):
    n, c, u = draw_(st.integers(1, 150)), draw_(st.integers(1, 40)), draw_(st.integers(1, 6))
    ties, centre = draw_(st.booleans()), draw_(st.sampled_from([0.2, 0.0, -0.1]))
    dtype = draw_(st.sampled_from([np.float32, np.float64]))
    s, a = draw(draw_(st.integers(0, 2**32)), n, c, u, ties=ties, centre=centre, dtype=dtype)
    for unit in range(u):
        kind = draw_(st.sampled_from(["live", "live", "live", "constant", "nan", "inf"]))
        if kind != "live":
            a[slice(None) if kind == "constant" else n // 2, unit] = (
                0.7 if kind == "constant" else float(kind)
            )
    if draw_(st.booleans()):
        s[:, 0] = s[0, 0]
    return s, a


@settings(max_examples=150, deadline=None)
@given(
    inputs(),
    st.sampled_from([0.001, 0.05, 0.3, 1.0]),
    st.sampled_from([1.0, 2.0, 3.0, 2.5]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from(["exact", "official"]),
)
def test_equals_the_other_path(drawn, top_fraction, p, scale_p, baseline):
    options = {"top_fraction": top_fraction, "p": p, "scale_p": scale_p, "baseline": baseline}
    assert_same(rank_reorder(*drawn, **options), by_sorting(*drawn, **options))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "c", "u"), [(4000, 70, 3), (700, 33, 40), (20, 1, 1), (3000, 1, 1)])
def test_equals_the_other_path_at_size(n, c, u, ties):
    s, a = draw(n, n, c, u, ties=ties)
    assert_same(rank_reorder(s, a), by_sorting(s, a))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_full_of_ties(kind):
    s, a = draw(1, 900, 20, 8)
    s, a = s.to(kind), a.to(kind)
    expected = by_sorting(s.float(), a, top_fraction=0.2)
    assert_same(rank_reorder(s, a, top_fraction=0.2), expected)


def test_errors_and_means_in_float64():
    rng = np.random.default_rng(2)
    s = np.round(rng.normal(0.1, 0.3, (500, 37)), 2).astype("f")
    rows = np.arange(100, 400, dtype=np.uint32)
    top = np.stack([rng.permutation(300)[:90] for _ in range(5)]).astype(np.uint32)
    targets = -np.sort(-rng.normal(0, 1, (5, 90)), axis=1)
    chosen = s[rows].T[:, top].astype(np.float64)  # [C, U, n]
    ranks = np.argsort(np.argsort(chosen, axis=2, kind="stable"), axis=2)
    found = np.take_along_axis(np.broadcast_to(targets[:, ::-1], chosen.shape), ranks, 2)
    for p in (1.0, 2.0, 3.0, 2.5):
        with workers(2) as team:
            errors, means = kernel.rank_errors(s, rows, top, targets, p, team)
            of_chance = kernel.expected_errors(targets, p, team)
        expected = (np.abs(targets - found) ** p).mean(axis=2)
        np.testing.assert_allclose(errors, expected, rtol=1e-12)
        np.testing.assert_allclose(means, chosen.mean(axis=2), rtol=1e-12)
        pairs = np.abs(targets[:, :, None] - targets[:, None]) ** p
        np.testing.assert_allclose(of_chance, pairs.mean(axis=(1, 2)), rtol=1e-12)


def test_scores_of_any_magnitude_are_ordered():
    s = torch.tensor([0.0, -0.0, 1e-45, -1e-45, 3e38, -1e38, 1.0, -1.0, 1e-30, 0.5])[:, None]
    a = torch.arange(10.0, 0, -1)[:, None]
    options = {"top_fraction": 1.0, "scale_p": 0.0}
    assert_same(rank_reorder(s, a, **options), by_sorting(s, a, **options))


def test_embeddings():
    generator = torch.Generator().manual_seed(4)
    images, concepts = torch.randn(600, 16, generator=generator), torch.rand(50, 16)
    a = torch.randn(600, 30, generator=generator)
    source = EmbeddedScores(images, concepts)
    # Products of other shapes may differ in their last bit and so swap neighbours.
    expected = by_sorting(source.tile(None, 0, 50), a)
    torch.testing.assert_close(rank_reorder(source, a), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(rank_reorder(source, a[:, :2]), expected[:2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ties", [False, True])
def test_threads_change_no_byte(ties):
    s, a = draw(5, 1200, 150, 30, ties=ties)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(rank_reorder(s, a, top_fraction=0.1).numpy().tobytes())
    finally:
        torch.set_num_threads(before)
    assert len(set(found)) == 1


@pytest.mark.parametrize("few", [False, True])
def test_tiles_change_no_byte(monkeypatch, few):
    s, a = draw(6, 300, 50, 2 if few else 30, ties=True)
    whole = rank_reorder(s, a)
    monkeypatch.setattr(reorder, "_SCORES", 250)
    monkeypatch.setattr(reorder, "_UNITS", 4)
    assert torch.equal(rank_reorder(s, a), whole)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(20, 200), st.booleans())
def test_the_order_of_images_does_not_matter(seed, n, ties):
    s, _ = draw(seed, n, 12, 1, ties=ties)
    generator = torch.Generator().manual_seed(seed)
    # No two activations of a unit are equal.
    a = torch.stack([torch.randperm(n, generator=generator) for _ in range(4)], dim=1).float()
    order = torch.randperm(n, generator=generator)
    found = rank_reorder(s[order], a[order], top_fraction=0.3)
    np.testing.assert_array_equal(found.numpy(), rank_reorder(s, a, top_fraction=0.3).numpy())


def test_double_scores_take_the_other_path(monkeypatch):
    s, a = draw(7, 60, 5, 3)
    expected = by_sorting(s.double(), a)
    monkeypatch.setattr(reorder, "_ranked_once", None)
    assert torch.equal(rank_reorder(s.double(), a), expected)


def test_numba_is_imported_with_the_first_score():
    code = (
        "import sys, baselines.clip_dissect, baselines.similarity, bench.__main__\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
