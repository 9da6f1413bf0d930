"""Which labels an image has anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.spatial import Masks


def mask_presence(masks: Masks) -> NDArray[np.bool_]:
    """Return whether an image has a label, as a whole or in some pixel, bool [N, C]."""
    present = np.zeros((len(masks), len(masks.labels)), np.bool_)
    for index in range(len(masks)):
        image = masks.image(index)
        shown = np.unique(image.planes)
        present[index, shown[shown >= 0]] = True
        present[index, list(image.scalars)] = True
    return present
