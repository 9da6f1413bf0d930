"""Vectors of units among the embeddings of images.

Sources: Dreyer et al., "Mechanistic understanding and validation of large AI models with
SemanticLens", Nature Machine Intelligence 2025 (mean of the top images); "Contrastive Semantic
Projection", arXiv:2604.22477 (subtraction of similar images); the covariance is the first step of
a linear map from activations to embeddings (Moayeri et al., "Text-To-Concept (and Back) via
Cross-Model Alignment", ICML 2023), its closed form the ridge regression.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from baselines.alignment.exemplars import choose_images
from baselines.similarity.inputs import live_units, spans

_TILE = (2**24, 2**28)
"""Elements of a tile, on a CPU and on a GPU."""

_IMAGES = 4096
"""Images of one product, whose results are added up in float64."""


def normalise_images(images: Tensor, activations: Tensor) -> Tensor:
    """Check the inputs of this package, and divide images by their lengths.

    Args:
        images: Image embeddings, finite [N, D].
        activations: Pooled activations [N, U]; NaN and infinities are allowed (dead units).

    Returns:
        Rows of unit length, float32 [N, D].

    Raises:
        ValueError: The shapes or devices do not match, or there is no image.
    """
    if images.ndim != 2 or activations.ndim != 2 or len(images) != len(activations):
        raise ValueError(
            f"image embeddings of shape {tuple(images.shape)} do not match activations of shape "
            f"{tuple(activations.shape)}: both must have one row per image"
        )
    if not len(images):
        raise ValueError("no images: image embeddings and activations have no rows")
    if images.device != activations.device:
        raise ValueError(
            f"image embeddings are on {images.device}, but activations on {activations.device}"
        )
    return normalize(images.detach().float(), dim=1)


def unit_embeddings(
    images: Tensor, activations: Tensor, *, top_k: int, weighted: bool = False, contrast: float = 0
) -> Tensor:
    """Return the mean embedding of each unit's top images, without what similar images share.

    v_u = sum_k w_k (e_k - contrast * <e_k, n_k> n_k) / sum_k w_k over the top images e_k of the
    unit. n_k is the image most similar to e_k among those whose activation is below the unit's mean
    (ties: the first). With contrast 0 and equal weights this is SemanticLens, with weights and a
    contrast above 0 it is CSP.

    Args:
        images: Image embeddings of unit length [N, D].
        activations: Pooled activations [N, U].
        top_k: Images per unit, clamped to N; those at the unit's lowest activation do not count.
        weighted: Weight images by their activations, negative ones by 0.
        contrast: Share of the projection on the similar image that is subtracted, at least 0.

    Returns:
        Vectors, float64 [U, D]; NaN rows for dead units.
    """
    shape = (activations.shape[1], images.shape[1])
    result = torch.full(shape, torch.nan, dtype=torch.float64, device=images.device)
    live = live_units(activations).nonzero()[:, 0]
    per_unit = min(top_k, len(images)) * (len(images) if contrast else 2 * images.shape[1])
    for first, last in spans(len(live), max(1, _tile(images) // per_unit)):
        units = live[first:last]
        columns = activations[:, units]
        rows, weights = choose_images(columns, top_k, weighted=weighted)
        chosen = images[rows].double()
        if contrast:
            similar = images[_most_similar(images, columns, rows)].double()
            shared = (chosen * similar).sum(dim=2, keepdim=True)
            chosen -= contrast * shared * similar
        weights = weights / weights.sum(dim=1, keepdim=True)
        result[units] = torch.einsum("uk,ukd->ud", weights, chosen)
    return result


def _most_similar(images: Tensor, activations: Tensor, rows: Tensor) -> Tensor:
    """Return the image most similar to each of `rows`, of those below the unit's mean, [u, K]."""
    u, k = rows.shape
    means = activations.mean(dim=0, dtype=torch.float64)
    others = (activations >= means).T[:, None]
    cosines = (images[rows.flatten()] @ images.T).view(u, k, -1)
    return cosines.masked_fill_(others, -torch.inf).argmax(dim=2)


def covariance_directions(images: Tensor, activations: Tensor) -> Tensor:
    """Return the covariance of each unit's activations with the embeddings, up to a factor.

    d_u = sum_i (a[i, u] - mean a[:, u]) (e_i - mean e), with the activations of each unit divided
    by their largest magnitude, which changes no direction.

    Args:
        images: Image embeddings of unit length [N, D].
        activations: Pooled activations [N, U].

    Returns:
        Vectors, float64 [U, D]; NaN rows for dead units.
    """
    live = live_units(activations).nonzero()[:, 0]
    products = torch.full(
        (activations.shape[1], images.shape[1]), torch.nan, dtype=torch.float64,
        device=images.device,
    )  # fmt: skip
    products[live] = _centred_products(activations[:, live], images)
    return products


def ridge_directions(images: Tensor, activations: Tensor, *, ridge: float) -> Tensor:
    """Return each unit's row of the ridge regression from activations to embeddings.

    W = (A'A + l I)^-1 A'E with centred columns and l = ridge * trace(A'A) / U. Units share what
    they explain together, so that a unit may get a direction far from its own top images.

    Args:
        images: Image embeddings of unit length [N, D].
        activations: Pooled activations [N, U].
        ridge: Strength of the penalty, above 0.

    Returns:
        Vectors, float64 [U, D]; NaN rows for dead units, which do not affect other rows.
    """
    live = live_units(activations).nonzero()[:, 0]
    shape = (activations.shape[1], images.shape[1])
    result = torch.full(shape, torch.nan, dtype=torch.float64, device=images.device)
    if not len(live):
        return result
    columns = activations[:, live].double()
    columns = columns - columns.mean(dim=0)
    gram = columns.T @ columns
    penalty = ridge * gram.diagonal().mean()
    gram.diagonal().add_(penalty)
    centred = images.double() - images.mean(dim=0, dtype=torch.float64)
    result[live] = torch.linalg.solve(gram, columns.T @ centred)
    return result


def _centred_products(activations: Tensor, images: Tensor) -> Tensor:
    """Return the covariances of live units with the embeddings, float64 [u, D].

    Products are of float32 centred numbers, in tiles of images that are added up in float64.
    """
    scale = activations.abs().amax(dim=0).double()
    means = activations.mean(dim=0, dtype=torch.float64)
    mean = images.mean(dim=0, dtype=torch.float64)
    shape = (activations.shape[1], images.shape[1])
    total = torch.zeros(shape, dtype=torch.float64, device=images.device)
    for first, last in spans(len(images), _IMAGES):
        part = ((activations[first:last] - means) / scale).float()
        total += (part.T @ (images[first:last] - mean).float()).double()
    return total


def _tile(table: Tensor) -> int:
    return _TILE[table.device.type == "cuda"]
