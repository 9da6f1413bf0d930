"""What all similarity functions do first: check inputs, find live units, pick their top images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


def checked(concept_scores: Tensor, activations: Tensor) -> tuple[Tensor, Tensor]:
    """Check shapes, types and values of the two inputs.

    Args:
        concept_scores: Concept scores [N, C], finite.
        activations: Pooled activations [N, U]; NaN and infinities are legal (dead units).

    Returns:
        Both, detached from any gradient.

    Raises:
        ValueError: What does not fit.
    """
    for name, tensor in (("concept_scores", concept_scores), ("activations", activations)):
        if tensor.ndim != 2:
            raise ValueError(f"{name} must be two-dimensional, not of shape {tuple(tensor.shape)}")
        if not tensor.is_floating_point():
            raise ValueError(f"{name} must be floating point, not {tensor.dtype}")
    n_images, n_concepts = concept_scores.shape
    if n_images != activations.shape[0]:
        raise ValueError(
            f"concept_scores are of {n_images} images but activations of {activations.shape[0]}"
        )
    if not n_images or not n_concepts:
        raise ValueError(f"no scores: {n_images} images and {n_concepts} concepts")
    if concept_scores.device != activations.device:
        raise ValueError(
            f"concept_scores lie on {concept_scores.device}, activations on {activations.device}"
        )
    concept_scores, activations = concept_scores.detach(), activations.detach()
    for start, stop in spans(n_images, max(1, 2**22 // n_concepts)):
        rows = torch.isfinite(concept_scores[start:stop]).all(dim=1)
        if not bool(rows.all()):
            row = start + int((~rows).nonzero()[0, 0])
            raise ValueError(f"concept_scores of image {row} are not all finite")
    return concept_scores, activations


def live_units(activations: Tensor) -> Tensor:
    """Which units carry a signal: all activations finite, and not all equal.

    Args:
        activations: Pooled activations [N, U].

    Returns:
        Booleans [U].
    """
    finite = torch.isfinite(activations).all(dim=0)
    return finite & (activations.amax(dim=0) != activations.amin(dim=0))


def top_images(activations: Tensor, k: int) -> Tensor:
    """Each unit's k most activating images, most activating first, ties by lowest index.

    Args:
        activations: Activations of live units [N, U].
        k: At most N.

    Returns:
        Image indices, int64 [k, U].
    """
    n_images, n_units = activations.shape
    top = torch.empty((k, n_units), dtype=torch.int64, device=activations.device)
    for start, stop in spans(n_units, max(1, 2**22 // n_images)):
        # torch.topk leaves the order of equal values open; a stable sort does not.
        order = torch.argsort(activations[:, start:stop], dim=0, descending=True, stable=True)
        top[:, start:stop] = order[:k]
    return top


def unlabelled(concept_scores: Tensor, activations: Tensor) -> Tensor:
    """A result in which no unit has a score yet: NaN, float32 [U, C]."""
    shape = (activations.shape[1], concept_scores.shape[1])
    return torch.full(shape, torch.nan, dtype=torch.float32, device=activations.device)


def spans(total: int, width: int) -> Iterator[tuple[int, int]]:
    """Cut 0..total into consecutive (start, stop) of at most `width`."""
    for start in range(0, total, width):
        yield start, min(start + width, total)
