"""Images to which a unit responds, and images that resemble them to which it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from torch import Tensor


STANDARD_DEVIATIONS = 5.0
"""An activation is high from so many standard deviations above the mean."""

LEAST_SIMILARITY = 0.3
"""Look-alikes have at least this dot product with the mean of the images of high activation."""

_BLOCK = 256
"""Units whose look-alikes are searched together."""


class Levels(NamedTuple):
    """Activations of a layer, comparable between images.

    Attributes:
        features: Activations without negative values, rows of unit length, float64 [N, U].
        mean: Their mean over all images and units; a lower activation is low.
        threshold: An activation of at least this is high.
    """

    features: Tensor
    mean: float
    threshold: float


def levels(activations: Tensor) -> Levels:
    """Scale the activations [N, U] of each image to unit length, and find what is high and low."""
    features = normalize(activations.detach().double().clamp(min=0), dim=1)
    mean, deviation = float(features.mean()), float(features.std())
    return Levels(features, mean, mean + STANDARD_DEVIATIONS * deviation)


class Contrast(NamedTuple):
    """Images of one unit.

    Attributes:
        high: Positions of the images of high activation, best first, int64 [H].
        above: Whether there are enough images above the threshold; else `high` are the best ones.
        low: Positions of the look-alikes, best first, int64 [L], L >= 0.
    """

    high: Tensor
    above: bool
    low: Tensor


def find_high(found: Levels, unit: int, least: int) -> tuple[Tensor, bool]:
    """Return a unit's images of high activation, best first, and whether there are enough.

    Args:
        found: Levels of the layer.
        unit: The unit.
        least: There must be more images than this; else the `least` best are returned, as far as
            their activation is positive.
    """
    own = found.features[:, unit]
    order = torch.argsort(own, descending=True, stable=True)
    count = int((own >= found.threshold).sum())
    if count > least:
        return order[:count], True
    return order[: min(least, int((own > 0).sum()))], False


def find_contrasts(found: Levels, *, least: int, look_alikes: int) -> list[Contrast]:
    """Return the images of each unit.

    A look-alike has a low activation of the unit, and activations of the other units like those of
    the images of high activation: their dot product with these images' mean is at least
    `LEAST_SIMILARITY`.

    Args:
        found: Levels of the layer.
        least: See `find_high`.
        look_alikes: Maximum number of look-alikes of a unit.
    """
    units = found.features.shape[1]
    high = [find_high(found, unit, least) for unit in range(units)]
    contrasts: list[Contrast] = []
    for start in range(0, units, _BLOCK):
        block = range(start, min(start + _BLOCK, units))
        means = torch.stack(
            [
                found.features[high[unit][0]].mean(dim=0)
                if len(high[unit][0])
                else torch.zeros_like(found.features[0])
                for unit in block
            ]
        )
        means[range(len(block)), block] = 0
        similar = found.features @ means.T
        for at, unit in enumerate(block):
            fits = (found.features[:, unit] < found.mean) & (similar[:, at] >= LEAST_SIMILARITY)
            own = torch.where(fits, similar[:, at], -torch.inf)
            order = torch.argsort(own, descending=True, stable=True)
            contrasts.append(Contrast(*high[unit], order[: min(look_alikes, int(fits.sum()))]))
    return contrasts
