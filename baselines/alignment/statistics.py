"""Statistics of units by the embeddings of their images: is this one concept, or several?

Sources: clarity, polysemanticity and redundancy are of SemanticLens (Dreyer et al., Nature Machine
Intelligence 2025); the monosemanticity score is of Pach et al., "Sparse Autoencoders Learn
Monosemantic Features in Vision-Language Models", arXiv:2504.02821.

All but polysemanticity and redundancy have an expected value over random images, the mean cosine of
two images, which is far above 0 in most encoders. So every statistic stands beside its value for
random images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import normalize, one_hot

from baselines.alignment.exemplars import choose_images
from baselines.similarity.inputs import live_units, spans

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

_STARTS = 10
"""Top images from which the search for two clusters starts."""

_STEPS = 50
"""Most steps of the search for two clusters."""

_FALLBACK = 10
"""Top images of the polysemanticity of a unit without two clusters."""

_ELEMENTS = 2**22
_IMAGES = 4096


def unit_statistics(
    images: Tensor, activations: Tensor, embeddings: Tensor, *, top_k: int, seed: int
) -> pd.DataFrame:
    """Return statistics of every unit beside their values for random images.

    Args:
        images: Image embeddings of unit length [N, D].
        activations: Pooled activations [N, U].
        embeddings: Vectors of the units [U, D]; NaN rows for dead units.
        top_k: Images per unit, clamped to N; those at the unit's lowest activation do not count.
        seed: Seed of the random images.

    Returns:
        One row per unit, NaN where a statistic is not defined:
        "unit"; "length": length of the unit's vector;
        "clarity": mean cosine of two of its top images, in [-1 / (K - 1), 1];
        "polysemanticity": see `two_clusters`;
        "redundancy": largest cosine with the vector of another unit;
        "monosemanticity": mean cosine of two images, weighted by the product of their activations,
        which are scaled to [0, 1] first.
        The columns "random_..." have the same value in every row: the expectation of clarity and
        monosemanticity, and of the others the mean over as many draws of K images as there are
        live units.
    """
    import pandas as pd

    live = live_units(activations).nonzero()[:, 0]
    lengths = embeddings.norm(dim=1)
    found = {name: torch.full_like(lengths, torch.nan) for name in _NAMES}
    drawn: dict[str, float] = dict.fromkeys(_NAMES, float("nan"))
    if len(live):
        chosen = choose_images(activations[:, live], top_k)
        found["clarity"][live], found["polysemanticity"][live] = _of_images(images, *chosen)
        found["redundancy"][live] = nearest_cosines(embeddings[live])
        found["monosemanticity"][live] = monosemanticity(images, activations[:, live])
        rows = _random_rows(len(images), chosen.rows.shape, seed).to(images.device)
        _, several = _of_images(images, rows, torch.ones_like(rows, dtype=torch.float64))
        means = torch.stack([images[each].double().mean(dim=0) for each in rows])
        drawn |= {
            "polysemanticity": float(several.nanmean()),
            "redundancy": float(nearest_cosines(means).nanmean()),
        }
        drawn["clarity"] = drawn["monosemanticity"] = _mean_cosine(images)
    table = pd.DataFrame({"unit": np.arange(len(lengths)), "length": lengths.cpu().numpy()})
    for name in _NAMES:
        table[name] = found[name].cpu().numpy()
        table[f"random_{name}"] = drawn[name]
    return table


_NAMES = ("clarity", "polysemanticity", "redundancy", "monosemanticity")


def clarity(cosines: Tensor, chosen: Tensor) -> Tensor:
    """Return the mean cosine of two different images of each unit.

    Args:
        cosines: Cosines of each unit's images, float64 [u, K, K].
        chosen: Whether an image counts, 0 or 1, float64 [u, K].

    Returns:
        float64 [u]; NaN for units with a single image.
    """
    count = chosen.sum(dim=1)
    total = torch.einsum("uk,ukl,ul->u", chosen, cosines, chosen)
    own = (cosines.diagonal(dim1=1, dim2=2) * chosen).sum(dim=1)
    return (total - own) / (count * (count - 1))


def two_clusters(cosines: Tensor, chosen: Tensor) -> Tensor:
    """Return 1 minus the cosine of the centres of two clusters of each unit's images.

    Of the clusters that 2-means finds from ten starts, those of the least sum of squared distances
    count. Where one has fewer than two images, return 1
    minus the mean cosine of the first ten images with their mean instead, as the published code
    does; it is on another and much smaller scale. 2-means always finds two clusters, so compare the
    value with that of random images, at equal K only.

    Args:
        cosines: Cosines of each unit's images, in float64 [u, K, K]; all that 2-means needs.
        chosen: Whether an image counts, 0 or 1, float64 [u, K].

    Returns:
        float64 [u]; NaN for units with a single image.
    """
    best = _best_clusters(cosines, chosen)  # [u, K, 2]
    sizes = best.sum(dim=1)
    means = best / sizes[:, None].clamp(min=1)
    products = torch.einsum("ukc,ukl,uld->ucd", means, cosines, means)
    lengths = products.diagonal(dim1=1, dim2=2).clamp(min=0).sqrt()
    apart = 1 - products[:, 0, 1] / lengths.prod(dim=1)
    first = chosen * (torch.arange(chosen.shape[1], device=chosen.device) < _FALLBACK)
    sums = torch.einsum("ukl,ul->uk", cosines, chosen)
    length = (sums * chosen).sum(dim=1).clamp(min=0).sqrt()
    near = 1 - (sums * first).sum(dim=1) / first.sum(dim=1) / length
    result = torch.where((sizes >= 2).all(dim=1), apart, near)
    return result.masked_fill_(chosen.sum(dim=1) < 2, torch.nan)


def nearest_cosines(vectors: Tensor) -> Tensor:
    """Return the largest cosine of each vector with another, float64 [u]; NaN for a single one."""
    rows = normalize(vectors.double(), dim=1)
    if len(rows) < 2:
        return torch.full((len(rows),), torch.nan, dtype=torch.float64, device=rows.device)
    nearest = []
    for first, last in spans(len(rows), max(1, _ELEMENTS // len(rows))):
        cosines = rows[first:last] @ rows.T
        cosines.diagonal(offset=first).fill_(-torch.inf)
        nearest.append(cosines.amax(dim=1))
    return torch.cat(nearest)


def monosemanticity(images: Tensor, activations: Tensor) -> Tensor:
    """Return the mean cosine of two images, weighted by their scaled activations.

    MS_u = sum_{i < j} b_i b_j <e_i, e_j> / sum_{i < j} b_i b_j, with b the activations scaled to
    [0, 1]. Both sums follow from the sums over single images: no pair is formed.

    Args:
        images: Image embeddings of unit length [N, D].
        activations: Activations of live units [N, u].

    Returns:
        float64 [u]; NaN for units with a single image above their lowest activation.
    """
    low, high = (end.double() for end in torch.aminmax(activations, dim=0))
    n_units = activations.shape[1]
    sums = torch.zeros(n_units, images.shape[1], dtype=torch.float64, device=images.device)
    total, squares = (torch.zeros_like(low) for _ in range(2))
    for first, last in spans(len(images), _IMAGES):
        scaled = (activations[first:last].double() - low) / (high - low)
        total += scaled.sum(dim=0)
        squares += scaled.square().sum(dim=0)
        sums += (scaled.float().T @ images[first:last]).double()
    pairs = total.square() - squares
    several = (activations > low).sum(dim=0) > 1
    return torch.where(several, (sums.square().sum(dim=1) - squares) / pairs, torch.nan)


def _of_images(images: Tensor, rows: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return clarity and polysemanticity of units by their images, each float64 [u]."""
    per_unit = rows.shape[1] * max(images.shape[1], 4 * _STARTS * rows.shape[1])
    results = []
    for first, last in spans(len(rows), max(1, _ELEMENTS // per_unit)):
        chosen = (weights[first:last] > 0).double()
        embedded = images[rows[first:last]]
        cosines = (embedded @ embedded.transpose(1, 2)).double()
        results.append(torch.stack((clarity(cosines, chosen), two_clusters(cosines, chosen))))
    both = torch.cat(results, dim=1)
    return both[0], both[1]


def _best_clusters(cosines: Tensor, chosen: Tensor) -> Tensor:
    """Return each unit's images in two clusters by 2-means, 0 or 1, float64 [u, K, 2].

    2-means starts from each of the first ten images and the image farthest from it. The squared
    distance of image k and centre c is <k, k> - 2 <k, c> + <c, c>, and so needs only the cosines.
    """
    diagonal = cosines.diagonal(dim1=1, dim2=2)[:, None]  # [u, 1, K]
    starts = min(_STARTS, cosines.shape[1])
    eye = torch.eye(cosines.shape[1], dtype=torch.float64, device=cosines.device)
    farthest = cosines.masked_fill(chosen[:, None] == 0, torch.inf)[:, :starts].argmin(dim=2)
    first = eye[:starts].expand(len(cosines), -1, -1)
    clusters = torch.stack((first, eye[farthest]), dim=2) * chosen[:, None, None]  # [u, S, 2, K]
    inertia = torch.full(clusters.shape[:2], torch.inf, dtype=torch.float64, device=cosines.device)
    for _ in range(_STEPS):
        sizes = clusters.sum(dim=3, keepdim=True)
        means = clusters / sizes.clamp(min=1)
        near = torch.einsum("uscl,ukl->usck", means, cosines)
        own = (near * means).sum(dim=3, keepdim=True)
        distances = diagonal[:, :, None] - 2 * near + own  # [u, S, 2, K]
        distances = distances.masked_fill(sizes == 0, torch.inf)
        least, at = distances.min(dim=2)
        moved = one_hot(at, 2).transpose(2, 3).double() * chosen[:, None, None]
        inertia = (least * chosen[:, None]).sum(dim=2)
        if torch.equal(moved, clusters):
            break
        clusters = moved
    best = inertia.argmin(dim=1)
    return clusters[torch.arange(len(best), device=best.device), best].transpose(1, 2)


def _random_rows(n_images: int, shape: tuple[int, ...], seed: int) -> Tensor:
    """Draw distinct images for each of u units, int64 [u, K]."""
    rng = np.random.default_rng(seed)
    n_units, k = shape
    groups: list[np.ndarray] = []
    while sum(map(len, groups)) < n_units:
        order = rng.permutation(n_images)
        groups.append(order[: n_images // k * k].reshape(-1, k))
    return torch.from_numpy(np.concatenate(groups)[:n_units])


def _mean_cosine(images: Tensor) -> float:
    """Return the mean cosine of two different images; NaN for a single image."""
    n = len(images)
    total = images.sum(dim=0, dtype=torch.float64)
    return float((total @ total - n) / (n * (n - 1))) if n > 1 else float("nan")
