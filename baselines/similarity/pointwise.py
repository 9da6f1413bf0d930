"""wpmi and soft_wpmi: pointwise mutual information of a unit's top images and a concept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.similarity.inputs import (
    check_inputs,
    live_units,
    nan_scores,
    select_units,
    spans,
    top_images,
)
from baselines.similarity.kernels.gpu import has_kernels
from baselines.similarity.likelihood import log_likelihood
from baselines.similarity.likelihood_by_torch import log_likelihood_by_torch
from baselines.similarity_parameters import check_parameters, effective_top_k

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.similarity.sources import ConceptScores

_UNIT_TILE = 2**17  # float64 elements of units x concepts: 1 MiB, stays in a core's cache
_GPU_TILE = 2**26  # the same on a GPU, which synchronises after each


def soft_wpmi(
    concept_scores: Tensor | ConceptScores,
    activations: Tensor,
    *,
    top_k: int = 100,
    a: float = 10.0,
    lam: float = 1.0,
    p_start: float = 0.998,
    p_end: float = 0.97,
    min_prob: float = 1e-7,
) -> Tensor:
    """Compute soft weighted pointwise mutual information, with memberships p_k of top images.

    P = softmax of a S over the concepts; i_0, i_1, ... are the unit's K = min(top_k, N) most
    activating images (ties: lowest index first); p_k = p_start - (k / K) (p_start - p_end):
    L[u, c] = sum_k ln(1 + p_k (P[i_k, c] - 1) + min_prob)
    D[c] = ln(mean over units u of exp L[u, c])
    sim = L - lam D                            (the paper's "SoftWPMI", its default)

    D depends on all live units of the call: a single live unit and lam = 1 score 0 everywhere.

    Args:
        concept_scores: Raw cosines of images and concepts, S [N, C], or an
            `EmbeddedScores`. P depends on all C of them.
        activations: Pooled activations of a full layer [N, U].
        top_k: Number of top images per unit; clamped to N (see `effective_top_k`), p_k with it.
        a: Inverse temperature of the softmax.
        lam: Weight of the marginal D.
        p_start: Membership p_0.
        p_end: Limit of p_k, which is not reached.
        min_prob: Added inside the logarithm, above 0.

    Returns:
        Similarities, float32 [U, C]; NaN rows for dead units (constant or not all finite).

    Raises:
        ValueError: Inputs of the wrong shape, type or device, concept scores not finite, or a
            parameter outside its range.
    """
    check_parameters(top_k=top_k, a=a, lam=lam, p_start=p_start, p_end=p_end, min_prob=min_prob)
    source, activations = check_inputs(concept_scores, activations)
    depth = effective_top_k(len(activations), top_k)
    membership = [p_start - k / depth * (p_start - p_end) for k in range(depth)]
    return _information(source, activations, membership, a, lam, min_prob)


def wpmi(
    concept_scores: Tensor | ConceptScores,
    activations: Tensor,
    *,
    top_k: int = 28,
    a: float = 2.0,
    lam: float = 0.6,
    min_prob: float = 1e-7,
) -> Tensor:
    """Compute weighted pointwise mutual information, with all top images in the unit's set.

    As `soft_wpmi` with p_k = 1: L[u, c] = sum_k ln(P[i_k, c] + min_prob), sim = L - lam D
    (the paper's "WPMI").

    Arguments, result and errors are those of `soft_wpmi`.
    """
    check_parameters(top_k=top_k, a=a, lam=lam, min_prob=min_prob)
    source, activations = check_inputs(concept_scores, activations)
    membership = [1.0] * effective_top_k(len(activations), top_k)
    return _information(source, activations, membership, a, lam, min_prob)


def _information(
    source: ConceptScores,
    activations: Tensor,
    membership: Sequence[float],
    a: float,
    lam: float,
    min_prob: float,
) -> Tensor:
    """Compute L - lam D with p_k = membership[k], float32 [U, C], expanding only top images."""
    result = nan_scores(source, activations)
    live = live_units(activations).nonzero()[:, 0]
    if not len(live):
        return result
    images = top_images(select_units(activations, live), len(membership))
    if has_kernels(source.device, source.dtype):
        from baselines.similarity.likelihood_by_triton import (
            log_likelihood_by_triton,
            subtract_own_marginal,
        )

        likelihood = log_likelihood_by_triton(source, images, membership, a, min_prob)
        if lam:
            subtract_own_marginal(likelihood, lam, result, live)
            return result
    elif activations.device.type == "cpu":
        likelihood = log_likelihood(source, images, membership, a, min_prob)
    else:
        likelihood = log_likelihood_by_torch(source, images, membership, a, min_prob)
    _subtract_marginal(likelihood, lam)
    result[live] = likelihood.float()
    return result


def _subtract_marginal(likelihood: Tensor, lam: float) -> None:
    """Subtract lam D from L [U, c] in place; lam = 0 needs no D."""
    if not lam:
        return
    together = _UNIT_TILE if likelihood.device.type == "cpu" else _GPU_TILE
    for start, stop in spans(likelihood.shape[1], max(1, together // len(likelihood))):
        tile = likelihood[:, start:stop]
        tile.sub_(torch.logsumexp(tile, dim=0) - math.log(len(tile)), alpha=lam)
