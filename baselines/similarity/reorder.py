"""rank_reorder: how well a concept's scores put a unit's top images in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from baselines.similarity.inputs import checked, live_units, spans, top_images, unlabelled
from baselines.similarity_parameters import Baseline, check_parameters, effective_top_n

if TYPE_CHECKING:
    from baselines.similarity.sources import ConceptScores

_TILE = 2**20  # elements of top images x concepts: 8 MiB in float64
_DRAWS = 5  # random permutations of the original's baseline


def rank_reorder(
    concept_scores: Tensor | ConceptScores,
    activations: Tensor,
    *,
    p: float = 3.0,
    top_fraction: float = 0.05,
    scale_p: float = 0.5,
    baseline: Baseline = "exact",
    seed: int = 0,
) -> Tensor:
    """Error of re-ordering a unit's top activations by a concept's scores, negated.

    t_0 >= t_1 >= ... are the activations of the unit's n = max(1, floor(N top_fraction)) most
    activating images i_j (ties: lowest index first), s is t in ascending order, and r_j is the
    ascending rank of S[i_j, c] among the n (ties: j ascending, so that a concept which cannot tell
    the images apart orders them worst). With q_j = s[r_j],
    err[u, c] = mean_j |t_j - q_j|^p / B[u] / (mean_j S[i_j, c])^scale_p,  sim = -err
    (the paper's "Rank reorder"). 0 is a perfect order.

    B is the error of a random order. `baseline="exact"`: its expectation,
    E[B] = (1 / n^2) sum_i sum_j |t_i - t_j|^p. A score that has no value is -inf: a concept whose
    mean score over the top images is <= 0, and all concepts of a unit whose top activations are
    equal (B = 0; always so at n = 1). `baseline="official"`: the mean over five random
    permutations per unit, as in the authors' code (there unseeded), and no rule for undefined
    scores: they are NaN or infinite as the arithmetic gives them.

    Args:
        concept_scores: Raw cosines of images and concepts, S [N, C], or an `EmbeddedScores`.
        activations: Pooled activations [N, U].
        p: Power of the error, above 0.
        top_fraction: Share of the images that is read, in (0, 1] (see `effective_top_n`).
        scale_p: Power of the mean concept score, at least 0.
        baseline: "exact" or "official".
        seed: Of the official baseline's permutations; each unit of the call has its own draw.

    Returns:
        Similarities, float32 [U, C], at most 0; NaN rows for dead units (constant or not all
        finite).

    Raises:
        ValueError: Inputs of the wrong shape, type or device, concept scores not finite, or a
            parameter outside its range.
    """
    check_parameters(p=p, top_fraction=top_fraction, scale_p=scale_p, baseline=baseline)
    source, activations = checked(concept_scores, activations)
    result = unlabelled(source, activations)
    n_top = effective_top_n(len(activations), top_fraction)
    width = max(1, _TILE // n_top)
    generator = torch.Generator().manual_seed(seed)
    for unit, live in enumerate(live_units(activations).tolist()):
        if baseline == "official":
            # Drawn for dead units too: a unit's draw must not depend on the others' health.
            draws = _permutations(n_top, generator)
        if not live:
            continue
        top = top_images(activations[:, unit, None], n_top)[:, 0]
        targets = activations[top, unit].double()
        if baseline == "official":
            scale = _drawn_error(targets, draws.to(top.device), p)
        else:
            scale = _expected_error(targets, p)
        if baseline == "exact" and not bool(scale > 0):
            result[unit] = -torch.inf
            continue
        for start, stop in spans(source.n_concepts, width):
            scores = source.tile(top, start, stop)
            mean = scores.mean(dim=0, dtype=torch.float64)
            # Sorting the images by the concept needs one sort where ranking them needs two: with
            # o the ascending order, image o_j has rank j.
            found = targets[_ascending_order(scores.T.contiguous())]
            error = found.sub_(targets.flip(0)).abs_().pow_(p).mean(dim=1)
            tile = 0.0 - error / scale / mean.pow(scale_p)
            if baseline == "exact":
                tile[mean <= 0] = -torch.inf
            result[unit, start:stop] = tile.float()
    return result


def _ascending_order(scores: Tensor) -> Tensor:
    """Stable ascending argsort of each row [c, n].

    On the CPU, float32 rows are sorted as 64-bit integers that hold a value's bits above its
    column: NumPy sorts these many times as quickly as a stable argsort, and no two are equal.
    """
    if scores.dtype != torch.float32 or scores.device.type != "cpu":
        return torch.argsort(scores, dim=1, stable=True)
    bits = (scores + 0.0).view(torch.int32)  # + 0.0 makes -0.0 and 0.0 the tie that they are
    bits = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # negative floats' bits grow downwards
    keys = (bits.to(torch.int64) << 32) | torch.arange(scores.shape[1])
    return torch.from_numpy(np.sort(keys.numpy(), axis=1)) & 0xFFFFFFFF


def _expected_error(targets: Tensor, p: float) -> Tensor:
    """E[B], the mean of |t_i - t_j|^p over all n^2 pairs, float64 []."""
    total = targets.new_zeros(())
    for start, stop in spans(len(targets), max(1, _TILE // len(targets))):
        total += (targets[start:stop, None] - targets).abs_().pow_(p).sum()
    return total / len(targets) ** 2


def _permutations(n: int, generator: torch.Generator) -> Tensor:
    """The official baseline's draws, int64 [5, n]."""
    return torch.stack([torch.randperm(n, generator=generator) for _ in range(_DRAWS)])


def _drawn_error(targets: Tensor, permutations: Tensor, p: float) -> Tensor:
    """B of the given permutations, the mean of |s - s[permutation]|^p, float64 []."""
    ascending = targets.flip(0)
    return (ascending - ascending[permutations]).abs_().pow_(p).mean()
