"""Unit embeddings and linear explanations as plain loops over units.

Written from the formulas: SemanticLens (Dreyer et al., 2025), Contrastive Semantic Projection
(2026), the covariance of activations and embeddings, and Linear Explanations (Oikarinen and Weng,
ICML 2024) with least squares by `numpy.linalg.lstsq` for each candidate. The first three take
embeddings of unit length, images [N, D] and texts [C, D], and activations [N, U], and return scores
[U, C].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.regression import Penalty, SearchLimits

    Floats = NDArray[np.float64]

SWEEPS = 1_000


def semantic_lens(images: Tensor, texts: Tensor, activations: Tensor) -> Tensor:
    """Compute the cosines of each unit's mean top image with all texts."""
    rows = []
    for column in activations.T:
        vector = images[column.topk(20).indices].mean(dim=0)
        rows.append(normalize(texts, dim=1) @ normalize(vector, dim=0))
    return torch.stack(rows)


def csp(images: Tensor, texts: Tensor, activations: Tensor) -> Tensor:
    """Compute the same for top images without half of what similar images share."""
    rows = []
    for column in activations.T:
        values, top = column.topk(30)
        others = images[column < column.mean()]
        vector = torch.zeros_like(images[0])
        for value, image in zip(values, images[top], strict=True):
            similar = others[(others @ image).argmax()]
            vector += value * (image - 0.5 * (image @ similar) * similar)
        rows.append(normalize(texts, dim=1) @ normalize(vector, dim=0))
    return torch.stack(rows)


def direction(images: Tensor, texts: Tensor, activations: Tensor) -> Tensor:
    """Compute the cosines of each unit's covariance with the images and all texts."""
    centred = images - images.mean(dim=0)
    rows = []
    for column in activations.T:
        vector = (centred * (column - column.mean())[:, None]).sum(dim=0)
        rows.append(normalize(texts, dim=1) @ normalize(vector, dim=0))
    return torch.stack(rows)


def linear(
    values: Floats,
    activations: Floats,
    train: int,
    validation: int,
    penalty: Penalty,
    limits: SearchLimits,
) -> list[list[int]]:
    """Choose the concepts of each unit.

    Args:
        values: Values of concepts on images, those of training first [N, C].
        activations: Activations [N, U].
        train: Number of images of training.
        validation: Number of images of validation.
        penalty: Penalty of the elastic net.
        limits: When forward selection stops.

    Returns:
        Ascending concepts of each unit.
    """
    x = values[:train]
    x = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    found = []
    for column in activations.T:
        y = column[:train]
        weights = elastic_net(x, (y - y.mean()) / y.std(ddof=1), penalty)
        order = [int(c) for c in np.argsort(-weights, kind="stable") if weights[c] != 0]
        found.append(sorted(_select(values, column, train, validation, order, limits)))
    return found


def elastic_net(x: Floats, y: Floats, penalty: Penalty) -> Floats:
    """Minimise mean((y - Xw)^2) / 2 + lasso |w|_1 + ridge |w|^2 / 2, concept by concept."""
    n, size = len(x), (x**2).mean(axis=0)
    weights, residual = np.zeros(x.shape[1]), y.copy()
    for _ in range(SWEEPS):
        before = weights.copy()
        for j in range(len(weights)):
            pull = x[:, j] @ residual / n + size[j] * weights[j]
            shrunk = np.sign(pull) * max(abs(pull) - penalty.lasso, 0.0)
            weight = shrunk / (size[j] + penalty.ridge)
            if weight != weights[j]:
                residual -= (weight - weights[j]) * x[:, j]
                weights[j] = weight
        if np.abs(weights - before).max() < 1e-6:
            break
    return weights


def _select(
    values: Floats,
    target: Floats,
    train: int,
    validation: int,
    order: list[int],
    limits: SearchLimits,
) -> list[int]:
    held = slice(train, train + validation)
    chosen: list[int] = []
    rejected: set[int] = set()
    best = 0.0
    while len(chosen) < limits.concepts:
        gains = {}
        for concept in [c for c in order if c not in chosen and c not in rejected][:10]:
            design = np.column_stack([values[:, [*chosen, concept]], np.ones(len(values))])
            weights = np.linalg.lstsq(design[:train], target[:train], rcond=None)[0]
            gains[concept] = np.corrcoef(design[held] @ weights, target[held])[0, 1] - best
        least = limits.gain if chosen else 0.0
        winner = max(gains, key=lambda concept: gains[concept], default=None)
        if winner is None or gains[winner] < least:
            break
        rejected |= {c for c, gain in gains.items() if chosen and gain < limits.gain}
        chosen.append(winner)
        best += gains[winner]
    return chosen
