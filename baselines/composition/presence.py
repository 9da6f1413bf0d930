"""Which labels an image has anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.base import Evidence
    from baselines.spatial import Masks


def presence_of(evidence: Evidence) -> Tensor:
    """Return whether an image has a mask label, bool [N, C], on the device of the activations.

    Raises:
        ValueError: Masks are missing, or are of other images than the activations.
    """
    import torch

    masks, activations = evidence.masks, evidence.activations
    if masks is None:
        raise ValueError("masks are missing; add them to the method's needs")
    if len(masks) != len(activations):
        raise ValueError(f"{len(masks)} images have masks, {len(activations)} activations")
    return torch.from_numpy(mask_presence(masks)).to(activations.device)


def mask_presence(masks: Masks) -> NDArray[np.bool_]:
    """Return whether an image has a label, as a whole or in some pixel, bool [N, C]."""
    present = np.zeros((len(masks), len(masks.labels)), np.bool_)
    for index in range(len(masks)):
        image = masks.image(index)
        shown = np.unique(image.planes)
        present[index, shown[shown >= 0]] = True
        present[index, list(image.scalars)] = True
    return present
