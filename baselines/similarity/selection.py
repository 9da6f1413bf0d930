"""Select labels by a score matrix, ignoring scores that are not defined."""

from __future__ import annotations

import torch
from torch import Tensor


def top_concepts(scores: Tensor, k: int) -> Tensor:
    """Return each unit's k best concepts, best first, ties by lowest concept index.

    Args:
        scores: Scores [U, C]; NaN and infinities count as not defined.
        k: Number of concepts, at least 1, clamped to C.

    Returns:
        Concept indices, int64 [U, min(k, C)]; -1 pads rows with fewer finite scores.

    Raises:
        ValueError: k is below 1, or the scores have another shape.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if scores.ndim != 2 or not scores.shape[1]:
        raise ValueError(f"scores must be [U, C] with C >= 1, not of shape {tuple(scores.shape)}")
    finite = torch.isfinite(scores)
    ordered = torch.where(finite, scores, -torch.inf)
    k = min(k, scores.shape[1])
    # A threshold first keeps ties stable without sorting all C concepts.
    threshold = torch.topk(ordered, k, dim=1).values[:, -1:]
    above, level = ordered > threshold, ordered == threshold
    room = k - above.sum(dim=1, keepdim=True)
    chosen = above | (level & (level.cumsum(dim=1) <= room))
    indices = chosen.nonzero()[:, 1].view(len(scores), k)
    order = torch.argsort(ordered.gather(1, indices), dim=1, descending=True, stable=True)
    indices = indices.gather(1, order)
    return torch.where(finite.gather(1, indices), indices, -1)
