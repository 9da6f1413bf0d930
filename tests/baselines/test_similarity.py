"""Similarity functions against independent float64 references on drawn inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines import similarity as sim


def is_live(column):
    return bool(np.isfinite(column).all()) and len(set(column.tolist())) > 1


def top(column, k):
    """Image indices by descending activation, then ascending index (Python's sort is stable)."""
    return sorted(range(len(column)), key=lambda i: -column[i])[:k]


def _information(s, a, member, temperature, lam, min_prob):
    c = s.shape[1]
    out = np.full((a.shape[1], c), np.nan)
    units = [u for u in range(a.shape[1]) if is_live(a[:, u])]
    if not units:
        return out
    k = len(member)
    soft = np.array([np.exp(temperature * row - (temperature * row).max()) for row in s])
    soft = soft / soft.sum(axis=1, keepdims=True)
    for u in units:
        chosen = top(a[:, u], k)
        for j in range(c):
            out[u, j] = math.fsum(
                math.log(1 + p * (soft[i, j] - 1) + min_prob)
                for p, i in zip(member, chosen, strict=True)
            )
    for j in range(c):
        values = out[units, j]
        marginal = values.max() + math.log(np.mean(np.exp(values - values.max())))
        out[units, j] -= lam * marginal
    return out


def ref_soft_wpmi(s, acts, *, top_k=100, a=10.0, lam=1.0, p_start=0.998, p_end=0.97, min_prob=1e-7):
    k = min(top_k, len(acts))
    member = [p_start - i / k * (p_start - p_end) for i in range(k)]
    return _information(s, acts, member, a, lam, min_prob)


def ref_wpmi(s, acts, *, top_k=28, a=2.0, lam=0.6, min_prob=1e-7):
    return _information(s, acts, [1.0] * min(top_k, len(acts)), a, lam, min_prob)


def ref_rank_reorder(s, a, *, p=3.0, top_fraction=0.05, scale_p=0.5):
    out = np.full((a.shape[1], s.shape[1]), np.nan)
    n = max(1, math.floor(len(a) * top_fraction))
    for u in range(a.shape[1]):
        if not is_live(a[:, u]):
            continue
        images = top(a[:, u], n)
        t = a[images, u]
        ascending = t[::-1]
        baseline = np.mean([abs(x - y) ** p for x in t for y in t])
        for c in range(s.shape[1]):
            column = s[images, c]
            mean = column.mean()
            if mean <= 0 or baseline == 0:
                out[u, c] = -np.inf
                continue
            ranks = np.argsort(np.argsort(column, kind="stable"), kind="stable")
            error = np.mean(np.abs(t - ascending[ranks]) ** p)
            out[u, c] = -error / baseline / mean**scale_p
    return out


def _products(s, a, prepare):
    out = np.full((a.shape[1], s.shape[1]), np.nan)
    for u in range(a.shape[1]):
        if is_live(a[:, u]):
            for c in range(s.shape[1]):
                out[u, c] = np.dot(prepare(a[:, u]), prepare(s[:, c]))
    return out


def ref_cos_similarity(s, a):
    return _products(s, a, lambda x: x / np.sqrt(np.sum(x * x)))


def ref_cos_similarity_cubed(s, a, *, min_norm=1e-3):
    def prepare(x):
        cube = (x - x.mean()) ** 3
        return cube / max(np.sqrt(np.sum(cube * cube)), min_norm)

    return _products(s, a, prepare)


# Parameters small enough for drawn shapes: top_k both below and above N.
CASES = {
    "soft_wpmi": (sim.soft_wpmi, ref_soft_wpmi, {"top_k": 4}),
    "soft_wpmi_all": (sim.soft_wpmi, ref_soft_wpmi, {"p_start": 1.0, "p_end": 0.2, "lam": 0.3}),
    "wpmi": (sim.wpmi, ref_wpmi, {"top_k": 3}),
    "wpmi_all": (sim.wpmi, ref_wpmi, {"lam": 1.0, "min_prob": 1e-3}),
    "rank_reorder": (sim.rank_reorder, ref_rank_reorder, {"top_fraction": 0.7}),
    "rank_reorder_p": (sim.rank_reorder, ref_rank_reorder, {"top_fraction": 0.3, "p": 1.5}),
    "cos_similarity": (sim.cos_similarity, ref_cos_similarity, {}),
    "cos_similarity_cubed": (sim.cos_similarity_cubed, ref_cos_similarity_cubed, {}),
    "cos_similarity_cubed_floor": (
        sim.cos_similarity_cubed,
        ref_cos_similarity_cubed,
        {"min_norm": 2.0},
    ),
}
every_case = pytest.mark.parametrize("case", CASES)


@st.composite
def inputs(draw, ties=True, sick=True):
    """Scores [N, C] (some negative) and activations [N, U], float32 or float64, some units dead."""
    n, c, u = draw(st.integers(2, 12)), draw(st.integers(1, 6)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    s, a = rng.normal(0.2, 0.4, (n, c)), rng.normal(0, 1, (n, u))
    if ties and draw(st.booleans()):
        s, a = np.round(s * 4) / 4 + 0.0625, np.round(a)
        s, a = s * rng.choice([1, -1], (n, c)), np.maximum(a, 0)
    if sick:
        for unit in range(u):
            kind = draw(st.sampled_from(["live", "live", "zero", "constant", "nan", "inf"]))
            if kind == "zero":
                a[:, unit] = 0
            elif kind == "constant":
                a[:, unit] = 0.7
            elif kind != "live":
                a[rng.integers(n), unit] = float(kind)
    return s.astype(dtype), a.astype(dtype)


def call(function, s, a, /, **parameters):
    return function(torch.from_numpy(s), torch.from_numpy(a), **parameters).numpy()


@every_case
@settings(max_examples=60, deadline=None)
@given(inputs())
def test_equals_reference(case, drawn):
    function, reference, parameters = CASES[case]
    s, a = drawn
    found = call(function, s, a, **parameters)
    assert found.dtype == np.float32
    expected = reference(s.astype(np.float64), a.astype(np.float64), **parameters)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@every_case
@settings(max_examples=25, deadline=None)
@given(inputs(), st.randoms(use_true_random=False))
def test_equivariant_in_units_and_concepts(case, drawn, random):
    function, _, parameters = CASES[case]
    s, a = drawn
    units, concepts = list(range(a.shape[1])), list(range(s.shape[1]))
    random.shuffle(units), random.shuffle(concepts)
    found = call(function, s[:, concepts].copy(), a[:, units].copy(), **parameters)
    expected = call(function, s, a, **parameters)[units][:, concepts]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@every_case
@settings(max_examples=25, deadline=None)
@given(inputs(ties=False), st.randoms(use_true_random=False))
def test_image_order_does_not_matter_without_ties(case, drawn, random):
    function, _, parameters = CASES[case]
    s, a = drawn
    images = list(range(len(s)))
    random.shuffle(images)
    found = call(function, s[images], a[images], **parameters)
    np.testing.assert_allclose(found, call(function, s, a, **parameters), rtol=1e-5, atol=1e-5)


@every_case
@settings(max_examples=25, deadline=None)
@given(inputs(sick=False))
def test_dead_units_influence_no_other(case, drawn):
    function, _, parameters = CASES[case]
    s, a = drawn
    dead = np.full((len(a), 2), 3.0, a.dtype)
    dead[0, 1] = np.nan
    found = call(function, s, np.concatenate([dead, a], axis=1), **parameters)
    assert np.isnan(found[:2]).all()
    np.testing.assert_array_equal(found[2:], call(function, s, a, **parameters))


@every_case
def test_tiles_change_nothing(case, monkeypatch):
    function, _, parameters = CASES[case]
    rng = np.random.default_rng(5)
    s, a = rng.normal(0.2, 0.3, (20, 33)).astype("f"), rng.normal(0, 1, (20, 7)).astype("f")
    whole = call(function, s, a, **parameters)
    from baselines.similarity import cosine, likelihood, pointwise, reorder

    monkeypatch.setattr(reorder, "_TILE", 60)
    monkeypatch.setattr(cosine, "_UNITS", 2)
    monkeypatch.setattr(cosine, "_DOUBLES", 60)
    monkeypatch.setattr(cosine, "_CPU_TILE", 7 * 33)
    monkeypatch.setattr(pointwise, "_UNIT_TILE", 9)
    monkeypatch.setattr(likelihood, "_BLOCK", 100)
    np.testing.assert_allclose(call(function, s, a, **parameters), whole, rtol=0, atol=1e-6)


def test_soft_wpmi_is_accurate_where_float32_is_not():
    rng = np.random.default_rng(3)
    s, a = rng.normal(0.2, 0.1, (150, 40)).astype("f"), rng.normal(0, 1, (150, 3)).astype("f")
    for parameters in ({}, {"a": 50.0}, {"p_start": 1.0, "p_end": 0.999, "a": 100.0}):
        expected = ref_soft_wpmi(s.astype(float), a.astype(float), lam=0, **parameters)
        found = call(sim.soft_wpmi, s, a, lam=0, **parameters)
        # L is some hundreds: only float32's own output rounding remains.
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-5)


def test_a_product_of_vanishing_probabilities_does_not_underflow():
    s = np.tile(np.array([[1.0, -1.0]], "f"), (120, 1))
    a = np.arange(120, dtype="f")[:, None]
    found = call(sim.wpmi, s, a, a=200.0, top_k=100, lam=0)
    np.testing.assert_allclose(found, [[0, 100 * math.log(1e-7)]], rtol=1e-6, atol=2e-5)


@pytest.mark.parametrize(("function", "top_k"), [(sim.soft_wpmi, 2), (sim.wpmi, 2)])
def test_ties_go_to_the_lowest_image(function, top_k):
    s = np.random.default_rng(0).normal(0.2, 0.3, (40, 5)).astype("f")
    a = np.ones((40, 2), "f")
    a[0, 0] = 0  # images 1 and 2 are the first of 39 equals
    a[5, 1] = 2  # then image 0, the first of 39 equals
    clear = np.zeros((40, 2), "f")
    clear[[1, 2], 0] = 2, 1
    clear[[5, 0], 1] = 2, 1
    np.testing.assert_array_equal(
        call(function, s, a, top_k=top_k), call(function, s, clear, top_k=top_k)
    )


def test_rank_reorder_orders_equal_scores_worst_and_unites_zeros():
    a = np.array([[4.0, 3, 2, 1]], "f").T
    s = np.array([[1, 4, 0.0], [1, 3, -0.0], [1, 2, -0.0], [1, 1, 4.0]], "f")
    found = call(sim.rank_reorder, s, a, top_fraction=1.0, scale_p=0.0)[0]
    expected = np.mean(np.abs(np.array([4.0, 3, 2, 1]) - [1, 2, 3, 4]) ** 3)
    baseline = np.mean(np.abs(np.subtract.outer([4.0, 3, 2, 1], [4, 3, 2, 1])) ** 3)
    np.testing.assert_allclose(found[:2], [-expected / baseline, 0], rtol=1e-6)
    # 0.0 and -0.0 are equal: ranks 0, 1, 2, 3, as for the constant concept.
    assert found[2] == found[0]


def test_rank_reorder_undefined_scores():
    a = np.array([[5.0, 5, 0], [4, 5, 1], [3, 5, 0], [2, 1, 0]], "f")
    s = np.array([[0.1, -0.3, 0.2], [-0.2, 0.1, 0.2], [0.3, 0.1, -0.4], [-9, 9, 9]], "f")
    found = call(sim.rank_reorder, s, a, top_fraction=0.75)
    assert np.isfinite(found[0]).tolist() == [True, False, False]
    assert (found[0, 1:] == -np.inf).all()  # means -.1/3 and (rounded) 0
    assert (found[1] == -np.inf).all()  # live, but all three top activations are equal
    official = call(sim.rank_reorder, s, a, top_fraction=0.75, baseline="official")
    assert np.isnan(official[0, 1])
    assert np.isnan(official[1]).all()
    assert (call(sim.rank_reorder, s, a, top_fraction=0.01) == -np.inf).all()  # n clamped to 1


def test_official_baseline_is_seeded_per_unit():
    rng = np.random.default_rng(1)
    s, a = rng.uniform(0.1, 0.4, (30, 8)).astype("f"), rng.normal(0, 1, (30, 3)).astype("f")
    options = {"top_fraction": 0.5, "baseline": "official"}
    first = call(sim.rank_reorder, s, a, seed=1, **options)
    np.testing.assert_array_equal(first, call(sim.rank_reorder, s, a, seed=1, **options))
    other = call(sim.rank_reorder, s, a, seed=2, **options)
    exact = call(sim.rank_reorder, s, a, top_fraction=0.5)
    for drawn in (first, other):
        ratio = drawn / exact  # one positive constant per unit
        assert not np.allclose(ratio, 1)
        np.testing.assert_allclose(ratio, ratio[:, :1].repeat(8, 1), rtol=1e-5)
    a[:, 0] = 0
    np.testing.assert_array_equal(call(sim.rank_reorder, s, a, seed=1, **options)[1:], first[1:])


def test_the_marginal_is_the_mean_likelihood_of_live_units():
    rng = np.random.default_rng(2)
    s, a = rng.normal(0.2, 0.3, (30, 6)).astype("f"), rng.normal(0, 1, (30, 4)).astype("f")
    a[:, 3] = 0
    likelihood = call(sim.soft_wpmi, s, a, lam=0.0)[:3].astype("d")
    marginal = np.log(np.exp(likelihood).mean(axis=0))
    np.testing.assert_allclose(
        call(sim.soft_wpmi, s, a, lam=0.7)[:3], likelihood - 0.7 * marginal, atol=2e-5
    )
    assert (call(sim.soft_wpmi, s, a[:, :1]) == 0).all()


def test_cosine_of_a_zero_concept_is_undefined():
    s, a = np.ones((3, 2), "f"), np.array([[1.0], [0], [0]], "f")
    s[:, 1] = 0
    assert call(sim.cos_similarity, s, a).tolist() == [[pytest.approx(3**-0.5), -math.inf]]
    assert call(sim.cos_similarity_cubed, s, a).tolist() == [[0, 0]]
