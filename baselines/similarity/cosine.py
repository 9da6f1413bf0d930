"""Cosine similarities of activation patterns and concept patterns over the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.similarity.inputs import checked, live_units, spans, unlabelled
from baselines.similarity.sources import EmbeddedScores
from baselines.similarity_parameters import check_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from baselines.similarity.sources import ConceptScores

_TILE = 2**24  # float64 elements: 128 MiB per operand, wide enough for a quick matrix product
_UNITS = 1024  # units that share one standardised tile of concepts
_IMAGES = 4096  # images whose products are summed in float32


def cos_similarity(concept_scores: Tensor | ConceptScores, activations: Tensor) -> Tensor:
    """Cosine over the images, neither centred nor kept from zero norms.

    sim[u, c] = sum_i A[i, u] S[i, c] / (||A[:, u]|| ||S[:, c]||)   (the paper's "Cos")

    A concept whose scores are all 0 has no direction: -inf.

    Args:
        concept_scores: Raw cosines of images and concepts, S [N, C], or an `EmbeddedScores`.
        activations: Pooled activations, A [N, U].

    Returns:
        Similarities, float32 [U, C]; NaN rows for dead units (constant or not all finite).

    Raises:
        ValueError: Inputs of the wrong shape, type or device, or concept scores not finite.
    """
    source, activations = checked(concept_scores, activations)
    if isinstance(source, EmbeddedScores):
        return _through_embeddings(source, activations)

    return _column_products(source, activations, lambda columns: columns, 0.0)


def cos_similarity_cubed(
    concept_scores: Tensor | ConceptScores, activations: Tensor, *, min_norm: float = 1e-3
) -> Tensor:
    """Cosine of the centred and cubed patterns, which the highest images dominate.

    With x = (X - mean of X over the images)^3 for both inputs,
    sim[u, c] = sum_i a[i, u] s[i, c] / (max(||a[:, u]||, min_norm) max(||s[:, c]||, min_norm)).

    Args:
        concept_scores: Raw cosines of images and concepts, S [N, C], or an `EmbeddedScores`.
        activations: Pooled activations, A [N, U].
        min_norm: Smallest divisor, above 0.

    Returns:
        Similarities, float32 [U, C]; NaN rows for dead units (constant or not all finite).

    Raises:
        ValueError: Inputs of the wrong shape, type or device, concept scores not finite, or a
            parameter outside its range.
    """
    check_parameters(min_norm=min_norm)

    return _column_products(*checked(concept_scores, activations), _centred_cube, min_norm)


def _centred_cube(columns: Tensor) -> Tensor:
    mean = columns.mean(dim=0, dtype=torch.float64)
    return (columns - mean.to(columns.dtype)).pow_(3)


def _through_embeddings(source: EmbeddedScores, activations: Tensor) -> Tensor:
    """cos_similarity without a single concept score, float32 [U, C].

    S = I T^T, so that A^T S = (A^T I) T^T, and ||S[:, c]||^2 = t_c^T (I^T I) t_c: products of
    embeddings, in float64, whose cost does not grow with images x concepts.
    """
    result = unlabelled(source, activations)
    live = live_units(activations).nonzero()[:, 0]
    width = source.images.shape[1]
    gram = torch.zeros((width, width), dtype=torch.float64, device=source.device)
    sums = torch.zeros((len(live), width), dtype=torch.float64, device=source.device)
    squares = torch.zeros(len(live), dtype=torch.float64, device=source.device)
    for start, stop in spans(len(activations), max(1, _TILE // max(width, len(live), 1))):
        images = source.images[start:stop].double()
        patterns = activations[start:stop, live].double()
        gram += images.T @ images
        sums += patterns.T @ images
        squares += patterns.square().sum(dim=0)
    patterns = sums / squares.sqrt()[:, None]
    for start, stop in spans(source.n_concepts, max(1, _TILE // max(width, len(live), 1))):
        concepts = source.concepts[start:stop].double()
        norms = ((concepts @ gram) * concepts).sum(dim=1).clamp_(min=0).sqrt_()
        tile = (patterns @ concepts.T).div_(norms)
        tile[torch.isnan(tile)] = -torch.inf  # 0 / 0: a concept without a direction
        result[live, start:stop] = tile.float()
    return result


def _column_products(
    source: ConceptScores,
    activations: Tensor,
    pattern: Callable[[Tensor], Tensor],
    min_norm: float,
) -> Tensor:
    """Cosines of the patterns of both inputs' columns, float32 [U, C].

    Lengths, means and sums over images are taken in float64; the products of float32 scores are
    float32, a few thousand images at a time: columns of length 1 lose less than 1e-6.

    Args:
        source: Concept scores.
        activations: Activations [N, U].
        pattern: What is made of columns [N, c] before they are multiplied.
        min_norm: Smallest divisor of either side.
    """
    result = unlabelled(source, activations)
    live = live_units(activations).nonzero()[:, 0]
    kind = torch.float64 if source.dtype == torch.float64 else torch.float32
    width = max(1, _TILE // len(activations))
    for first, last in spans(len(live), max(width, _UNITS)):
        units = live[first:last]
        patterns = pattern(activations[:, units].double())
        patterns = patterns.div(_norms(patterns, min_norm)).to(kind)
        for start, stop in spans(source.n_concepts, width):
            columns = pattern(source.tile(None, start, stop).to(kind))
            tile = _product(patterns, columns).div_(_norms(columns, min_norm))
            tile[torch.isnan(tile)] = -torch.inf  # 0 / 0: a concept without a direction
            result[units, start:stop] = tile.float()
    return result


def _norms(columns: Tensor, least: float) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(columns, dim=0, dtype=torch.float64)
    return norms.clamp_(min=least)


def _product(patterns: Tensor, columns: Tensor) -> Tensor:
    """patterns^T columns of [N, u] and [N, c], blocks of images summed in float64 [u, c]."""
    shape = (patterns.shape[1], columns.shape[1])
    total = torch.zeros(shape, dtype=torch.float64, device=patterns.device)
    for start, stop in spans(len(patterns), _IMAGES):
        total += patterns[start:stop].T @ columns[start:stop]
    return total
