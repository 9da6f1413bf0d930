"""Sums of logarithms over each unit's top images in torch: for GPUs, and as reference on CPUs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from baselines.similarity.inputs import spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from baselines.similarity.sources import ConceptScores

_TILE = 2**22  # float64 elements in a tile of image rows x concepts: 32 MiB
_UNIT_TILE = 2**17  # float64 elements of units x concepts: 1 MiB, stays in a core's cache


def log_likelihood_by_torch(
    source: ConceptScores, images: Tensor, membership: Sequence[float], a: float, min_prob: float
) -> Tensor:
    """Compute the sums of `log_likelihood` in torch alone, on any device."""
    rows, places = torch.unique(images, return_inverse=True)
    normaliser = _log_normaliser(source, rows, a)
    n_units = images.shape[1]
    total = torch.empty((n_units, source.n_concepts), dtype=torch.float64, device=images.device)
    for start, stop in spans(source.n_concepts, max(1, _TILE // max(len(rows), n_units))):
        tile = source.tile(rows, start, stop).double()
        tile.mul_(a).sub_(normaliser).exp_()
        total[:, start:stop] = _sum_of_logs(tile, places, membership, min_prob)
    return total


def _log_normaliser(source: ConceptScores, rows: Tensor, a: float) -> Tensor:
    """Return the log of the sum of exp(a S) over the concepts of image rows, float64 [R, 1]."""
    step = max(1, _TILE // source.n_concepts)
    tiles = []
    for start, stop in spans(len(rows), step):
        tile = source.tile(rows[start:stop], 0, source.n_concepts).double()
        tiles.append(torch.logsumexp(tile.mul_(a), dim=1, keepdim=True))
    return torch.cat(tiles)


def _sum_of_logs(
    probabilities: Tensor, places: Tensor, membership: Sequence[float], min_prob: float
) -> Tensor:
    """Sum ln((1 - p_k) + p_k P[places[k, u], c] + min_prob) over k, float64 [U, c].

    Args:
        probabilities: P of the needed images and a tile of concepts, float64 [R, c].
        places: Rows of `probabilities`, int64 [K, U].
        membership: Memberships p_k, K of them.
        min_prob: Added inside the logarithm.
    """
    # One logarithm of a product of as many factors as cannot underflow.
    smallest = 1.0 - max(membership) + min_prob
    group = 32 if smallest >= 1 else min(32, max(1, int(250 / -math.log10(smallest))))
    width = probabilities.shape[1]
    total = probabilities.new_zeros((places.shape[1], width))
    for start, stop in spans(places.shape[1], max(1, _UNIT_TILE // width)):
        product = probabilities.new_ones((stop - start, width))
        for k, p in enumerate(membership):
            # (1 - p) + p P avoids the cancellation in 1 + p (P - 1).
            factor = probabilities.index_select(0, places[k, start:stop])
            product.mul_(factor.mul_(p).add_((1.0 - p) + min_prob))
            if (k + 1) % group == 0 or k + 1 == len(membership):
                total[start:stop] += product.log_()
                product.fill_(1.0)
    return total
