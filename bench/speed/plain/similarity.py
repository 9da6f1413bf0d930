"""Similarity functions as plain loops over units.

Written from the formulas (Oikarinen and Weng, ICLR 2023, section 3 and appendix): the whole softmax
at once, one unit at a time, float32 throughout, with default parameters. They are at least as fast
as the authors' published loops, as `python -m bench.speed.official` shows. All take the scores
S [N, C] and the activations A [N, U].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

TOP_FRACTION = 0.05
DRAWS = 5


def soft_wpmi(scores: Tensor, activations: Tensor) -> Tensor:
    """Compute soft_wpmi."""
    top_k, a, p_start, p_end = 100, 10.0, 0.998, 0.97
    probabilities = torch.softmax(a * scores, dim=1)
    top = torch.topk(activations, min(top_k, len(activations)), dim=0).indices
    steps = torch.arange(len(top), device=scores.device) / len(top)
    membership = (p_start - steps * (p_start - p_end))[:, None]
    rows = []
    for unit in top.T:
        found = probabilities.index_select(0, unit)
        rows.append(torch.log(1 + membership * (found - 1) + 1e-7).sum(dim=0))
    return _subtract_marginal(torch.stack(rows), 1.0)


def wpmi(scores: Tensor, activations: Tensor) -> Tensor:
    """Compute wpmi."""
    probabilities = torch.softmax(2.0 * scores, dim=1)
    top = torch.topk(activations, min(28, len(activations)), dim=0).indices
    rows = [torch.log(probabilities.index_select(0, unit) + 1e-7).sum(dim=0) for unit in top.T]
    return _subtract_marginal(torch.stack(rows), 0.6)


def _subtract_marginal(likelihood: Tensor, lam: float) -> Tensor:
    marginal = torch.logsumexp(likelihood, dim=0) - math.log(len(likelihood))
    return likelihood - lam * marginal


def rank_reorder(scores: Tensor, activations: Tensor) -> Tensor:
    """Compute rank_reorder; five draws estimate the random error."""
    n_top = max(1, int(len(activations) * TOP_FRACTION))
    values, top = torch.topk(activations, n_top, dim=0)
    rows = []
    for targets, unit in zip(values.T, top.T, strict=True):
        ascending = targets.flip(0)
        found = scores.index_select(0, unit)
        ranks = torch.argsort(torch.argsort(found, dim=0), dim=0)
        error = ascending.take(ranks).sub_(targets[:, None]).abs_().pow_(3).mean(dim=0)
        draws = [torch.randperm(n_top, device=scores.device) for _ in range(DRAWS)]
        drawn = [(ascending - ascending[draw]).abs().pow(3).mean() for draw in draws]
        rows.append(-error / torch.stack(drawn).mean() / found.mean(dim=0).pow(0.5))
    return torch.stack(rows)


def cos_similarity(scores: Tensor, activations: Tensor) -> Tensor:
    """Compute cos_similarity in one product."""
    patterns = activations / activations.norm(dim=0, keepdim=True)
    product: Tensor = (scores / scores.norm(dim=0, keepdim=True)).T @ patterns
    return product.T


def cos_similarity_cubed(scores: Tensor, activations: Tensor) -> Tensor:
    """Compute cos_similarity_cubed in one product."""
    patterns, concepts = (
        (table - table.mean(dim=0, keepdim=True)).pow_(3) for table in (activations, scores)
    )
    patterns /= patterns.norm(dim=0, keepdim=True).clamp(min=1e-3)
    concepts /= concepts.norm(dim=0, keepdim=True).clamp(min=1e-3)
    product: Tensor = concepts.T @ patterns
    return product.T
