"""Similarity functions against values of the authors' code, selection, and refused inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines import similarity as sim
from baselines.similarity import inputs, reorder

S = [
    [0.30, 0.10, 0.20, 0.15],
    [0.28, 0.12, 0.18, 0.22],
    [0.12, 0.31, 0.25, 0.14],
    [0.10, 0.29, 0.16, 0.27],
    [0.20, 0.21, 0.33, 0.11],
    [0.16, 0.24, 0.13, 0.19],
]
A = [[3, 0.1, 0.5], [2.5, 0.4, 0], [0.2, 2, 1.5], [0.6, 1.8, 0.3], [1, 0.9, 2.2], [0.4, 1.1, 0.7]]

GOLDEN = {
    "soft_wpmi": (
        sim.soft_wpmi,
        {"top_k": 4},
        [
            [0.727234, -2.440556, -0.276597, 0.374780],
            [-2.227770, 0.884584, -0.218630, 0.148735],
            [-0.194942, -0.711494, 0.363268, -0.954606],
        ],
    ),
    "soft_wpmi_lam_0": (
        sim.soft_wpmi,
        {"top_k": 4, "lam": 0},
        [
            [-5.455148, -7.220809, -5.711223, -6.842340],
            [-8.410151, -3.895669, -5.653255, -7.068385],
            [-6.377323, -5.491748, -5.071357, -8.171725],
        ],
    ),
    "soft_wpmi_a_50": (
        sim.soft_wpmi,
        {"top_k": 4, "a": 50},
        [
            [1.095890, -9.945107, -1.555069, 0.010402],
            [-9.051876, 1.093084, -0.438399, 0.656987],
            [-4.823557, -4.104994, 0.762559, -2.803896],
        ],
    ),
    "wpmi": (
        sim.wpmi,
        {"top_k": 3},
        [
            [-1.292120, -2.149884, -1.532272, -1.816036],
            [-2.069530, -1.307296, -1.849682, -1.553447],
            [-1.884834, -1.482600, -1.524987, -1.888751],
        ],
    ),
    "cos_similarity": (
        sim.cos_similarity,
        {},
        [
            [0.934671, 0.503279, 0.719304, 0.729587],
            [0.588086, 0.972621, 0.803355, 0.833226],
            [0.637508, 0.790997, 0.889880, 0.572398],
        ],
    ),
    "cos_similarity_cubed": (
        sim.cos_similarity_cubed,
        {},
        [
            [0.882380, -0.919489, 0.018297, -0.029702],
            [-0.878587, 0.963829, 0.006109, 0.197589],
            [-0.106516, 0.152537, 0.933701, -0.404405],
        ],
    ),
    "rank_reorder_exact": (
        sim.rank_reorder,
        {"top_fraction": 0.7},
        [
            [0, -5.028491, -1.529357, -3.135062],
            [-5.225562, 0, -2.302249, -1.628620],
            [-2.791262, -1.797390, -0.006609, -5.027490],
        ],
    ),
}
REVERSED = [
    [0, -2.357022, -0.716861, -1.469509],
    [-2.456701, 0, -1.082360, -0.765665],
    [-1.305719, -0.840798, -0.003092, -2.351800],
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name, dtype):
    function, parameters, expected = GOLDEN[name]
    found = function(torch.tensor(S, dtype=dtype), torch.tensor(A, dtype=dtype), **parameters)
    assert found.dtype == torch.float32
    # At a = 50 the original's 1 + p (P - 1) cancels in float32 and is some 3e-5 off the formula.
    tolerance = 1e-4 if parameters.get("a") == 50 else 3e-6
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=tolerance)


def test_golden_single_unit_is_its_own_marginal():
    found = sim.soft_wpmi(torch.tensor(S), torch.tensor(A)[:, :1], top_k=4)
    assert found.tolist() == [[0, 0, 0, 0]]


def test_golden_rank_reorder_with_reversals(monkeypatch):
    monkeypatch.setattr(reorder, "_permutations", lambda n, _: torch.arange(n).flip(0).expand(5, n))
    found = sim.rank_reorder(
        torch.tensor(S), torch.tensor(A), top_fraction=0.7, baseline="official"
    )
    np.testing.assert_allclose(found.numpy(), REVERSED, rtol=1e-6, atol=3e-6)


def test_golden_expected_error():
    ordered = torch.tensor(A, dtype=torch.float64).sort(dim=0, descending=True).values[:4]
    found = [float(reorder._expected_error(ordered[:, u], 3.0)) for u in range(3)]
    assert found == pytest.approx([4.0309, 0.3935, 1.2689], abs=5e-5)


def test_official_permutations_are_permutations():
    drawn = reorder._permutations(6, torch.Generator().manual_seed(0))
    assert drawn.shape == (5, 6)
    assert (drawn.sort(dim=1).values == torch.arange(6)).all()


NAN, INF = torch.nan, torch.inf
TABLE = torch.tensor(
    [
        [NAN, NAN, NAN, NAN],
        [-INF, -INF, NAN, -INF],
        [NAN, 1.0, 2.0, 2.0],
        [-INF, -3.0, NAN, -4.0],
        [5.0, 5.0, 5.0, 5.0],
    ]
)


def test_the_best_concept_is_never_undefined():
    assert sim.top_concepts(TABLE, 1)[:, 0].tolist() == [-1, -1, 2, 1, 0]
    with pytest.raises(ValueError, match="C >= 1"):
        sim.top_concepts(torch.zeros(3), 1)


def test_top_concepts_are_stable_and_defined():
    expected = [[-1, -1, -1, -1], [-1, -1, -1, -1], [2, 3, 1, -1], [1, 3, -1, -1], [0, 1, 2, 3]]
    for k in range(1, 6):
        assert sim.top_concepts(TABLE, k).tolist() == [row[:k] for row in expected]
    with pytest.raises(ValueError, match="at least 1"):
        sim.top_concepts(TABLE, 0)


def test_top_concepts_equal_a_stable_sort():
    table = torch.randint(0, 6, (50, 30), generator=torch.Generator().manual_seed(0)).float()
    expected = torch.argsort(table, dim=1, descending=True, stable=True)[:, :10]
    assert torch.equal(sim.top_concepts(table, 10), expected)
    assert torch.equal(sim.top_concepts(table, 1), expected[:, :1])


def test_live_units_and_top_images():
    units = torch.tensor([[0.0, 1, 2, NAN, 1], [0.0, 1, 2, 1, INF], [0.0, 2, 2.5, 3, 1]])
    assert sim.live_units(units).tolist() == [False, True, True, False, False]
    assert inputs.top_images(units[:, 1:3], 2).T.tolist() == [[2, 0], [2, 0]]


FUNCTIONS = (
    sim.soft_wpmi, sim.wpmi, sim.rank_reorder, sim.cos_similarity, sim.cos_similarity_cubed
)  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
def test_refused_inputs(function):
    s, a = torch.rand(4, 3), torch.rand(4, 2)
    for bad_s, bad_a, message in (
        (s[0], a, "concept_scores must be two-dimensional"),
        (s, a[None], "activations must be two-dimensional"),
        (s.int(), a, "concept_scores must be floating point"),
        (s, a > 0, "activations must be floating point"),
        (s, a[:3], "of 4 images, but activations of 3"),
        (s[:0], a[:0], "0 images"),
        (s[:, :0], a, "0 concepts"),
        (torch.where(s == s[2, 1], NAN, s), a, "image 2 are not all finite"),
    ):
        with pytest.raises(ValueError, match=message):
            function(bad_s, bad_a)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_edge_shapes(function):
    torch.manual_seed(0)
    assert function(torch.rand(4, 3), torch.rand(4, 0)).shape == (0, 3)
    assert torch.isnan(function(torch.rand(1, 3), torch.rand(1, 2))).all()  # one image: constant
    halves = function(torch.rand(40, 3).bfloat16(), torch.rand(40, 2).bfloat16())
    assert torch.isfinite(halves).all()


@pytest.mark.parametrize(
    ("function", "parameter"),
    [
        (sim.soft_wpmi, {"top_k": 0}),
        (sim.soft_wpmi, {"top_k": 2.0}),
        (sim.soft_wpmi, {"p_start": 1.1}),
        (sim.soft_wpmi, {"p_end": -0.1}),
        (sim.soft_wpmi, {"a": NAN}),
        (sim.wpmi, {"min_prob": 0.0}),
        (sim.wpmi, {"lam": True}),
        (sim.rank_reorder, {"top_fraction": 0.0}),
        (sim.rank_reorder, {"top_fraction": 1.5}),
        (sim.rank_reorder, {"p": 0.0}),
        (sim.rank_reorder, {"scale_p": -1.0}),
        (sim.rank_reorder, {"baseline": "random"}),
        (sim.cos_similarity_cubed, {"min_norm": 0.0}),
    ],
)
def test_refused_parameters(function, parameter):
    with pytest.raises(ValueError, match=next(iter(parameter))):
        function(torch.rand(4, 3), torch.rand(4, 2), **parameter)
