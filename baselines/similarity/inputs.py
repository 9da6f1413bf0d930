"""Check inputs of similarity functions, find live units, and select their top images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from baselines.similarity.sources import as_scores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from baselines.similarity.sources import ConceptScores

_TOGETHER = (2**22, 2**27)
"""Elements of a tile of activations for top images, on a CPU and on a GPU, which synchronises after
each tile to look for ties."""


def check_inputs(
    concept_scores: Tensor | ConceptScores, activations: Tensor
) -> tuple[ConceptScores, Tensor]:
    """Check shapes, types and values of the two inputs.

    Args:
        concept_scores: Concept scores [N, C], finite, or a source of scores.
        activations: Pooled activations [N, U]; NaN and infinities are allowed (dead units).

    Returns:
        A source of scores, and the activations, detached from any gradient.

    Raises:
        ValueError: An input is invalid, or the two do not match.
    """
    source = as_scores(concept_scores)
    if activations.ndim != 2:
        raise ValueError(
            f"activations must be two-dimensional, not of shape {tuple(activations.shape)}"
        )
    if not activations.is_floating_point():
        raise ValueError(f"activations must be floating point, not {activations.dtype}")
    if source.n_images != activations.shape[0]:
        raise ValueError(
            f"concept scores are of {source.n_images} images, but activations of "
            f"{activations.shape[0]}"
        )
    if source.device != activations.device:
        raise ValueError(
            f"concept scores are on {source.device}, but activations on {activations.device}"
        )
    return source, activations.detach()


def live_units(activations: Tensor) -> Tensor:
    """Return which units carry a signal: all activations finite, and not all equal.

    Args:
        activations: Pooled activations [N, U].

    Returns:
        Booleans [U].
    """
    if not len(activations):
        return torch.zeros(activations.shape[1], dtype=torch.bool, device=activations.device)
    # NaN changes both ends and an infinity one of them: a single pass is enough.
    low, high = torch.aminmax(activations, dim=0)
    return torch.isfinite(low) & torch.isfinite(high) & (low != high)


def select_units(activations: Tensor, units: Tensor) -> Tensor:
    """Return the activations of some units, ascending; not copied if they are all units."""
    return activations if len(units) == activations.shape[1] else activations[:, units]


def top_images(activations: Tensor, k: int) -> Tensor:
    """Return each unit's k most activating images, best first, ties by lowest index.

    Args:
        activations: Activations of live units [N, U].
        k: Number of images, at most N.

    Returns:
        Image indices, int64 [k, U].
    """
    n_images, n_units = activations.shape
    top = torch.empty((k, n_units), dtype=torch.int64, device=activations.device)
    together = _TOGETHER[activations.device.type == "cuda"]
    for start, stop in spans(n_units, max(1, together // n_images)):
        columns = activations[:, start:stop].T.contiguous()
        values, images = torch.topk(columns, min(k + 1, n_images), dim=1)
        # topk orders and selects equal values arbitrarily; one extra value reveals ties at the
        # end. Sort only the few units with ties, stably.
        tied = (values[:, 1:] == values[:, :-1]).any(dim=1)
        tied_units = tied.nonzero()[:, 0]
        for first, last in spans(len(tied_units), max(1, together // 8 // n_images)):
            units = tied_units[first:last]
            order = torch.argsort(columns[units], dim=1, descending=True, stable=True)
            images[units, :k] = order[:, :k]
        top[:, start:stop] = images[:, :k].T
    return top


def nan_scores(source: ConceptScores, activations: Tensor) -> Tensor:
    """Return a result without any score yet: NaN, float32 [U, C]."""
    shape = (activations.shape[1], source.n_concepts)
    return torch.full(shape, torch.nan, dtype=torch.float32, device=activations.device)


def spans(total: int, width: int) -> Iterator[tuple[int, int]]:
    """Cut 0..total into consecutive (start, stop) of at most `width`."""
    for start in range(0, total, width):
        yield start, min(start + width, total)
