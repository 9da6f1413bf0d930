"""Cosine similarities of activation patterns and concept patterns over the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.similarity.inputs import checked, live_units, spans, unlabelled
from baselines.similarity_parameters import check_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from baselines.similarity.sources import ConceptScores

_TILE = 2**24  # float64 elements: 128 MiB per operand, wide enough for a quick matrix product


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

    def unit_norm(columns: Tensor) -> Tensor:
        return columns.div(torch.linalg.vector_norm(columns, dim=0))

    return _column_products(concept_scores, activations, unit_norm)


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

    def centred_cube(columns: Tensor) -> Tensor:
        cubes = (columns - columns.mean(dim=0)).pow_(3)
        return cubes.div_(torch.linalg.vector_norm(cubes, dim=0).clamp_(min=min_norm))

    return _column_products(concept_scores, activations, centred_cube)


def _column_products(
    concept_scores: Tensor | ConceptScores,
    activations: Tensor,
    standardise: Callable[[Tensor], Tensor],
) -> Tensor:
    """Products of the standardised columns of both inputs, float32 [U, C], in float64 tiles."""
    source, activations = checked(concept_scores, activations)
    result = unlabelled(source, activations)
    live = live_units(activations).nonzero()[:, 0]
    width = max(1, _TILE // len(activations))
    for first, last in spans(len(live), width):
        units = live[first:last]
        patterns = standardise(activations[:, units].double()).T
        for start, stop in spans(source.n_concepts, width):
            tile = patterns @ standardise(source.tile(None, start, stop).double())
            tile[torch.isnan(tile)] = -torch.inf  # 0 / 0: a concept without a direction
            result[units, start:stop] = tile.float()
    return result
