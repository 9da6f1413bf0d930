"""The images that stand for a unit, and their weights."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from baselines.similarity.inputs import top_images


class TopImages(NamedTuple):
    """The most activating images of u live units.

    Attributes:
        rows: Image indices, best first, ties by lowest index, int64 [u, K].
        weights: Weights of at least 0, float64 [u, K]; 0 for an image at the unit's lowest
            activation, which the unit does not prefer to any other. The first is above 0.
    """

    rows: Tensor
    weights: Tensor


def choose_images(activations: Tensor, top_k: int, *, weighted: bool = False) -> TopImages:
    """Return the images of the largest activations of each unit.

    Args:
        activations: Activations of live units [N, u].
        top_k: Images per unit, clamped to N.
        weighted: Weight images by their activations, negative ones by 0; equally if no activation
            is above 0. Otherwise the weights are 1.
    """
    rows = top_images(activations, min(top_k, len(activations))).T
    values = activations.T.gather(1, rows)
    preferred = (values > activations.amin(dim=0)[:, None]).double()
    if not weighted:
        return TopImages(rows, preferred)
    weights = values.double().clamp(min=0) * preferred
    positive = weights[:, :1] > 0
    return TopImages(rows, torch.where(positive, weights, preferred))
