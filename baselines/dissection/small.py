"""Two small images with maps and masks, on which methods compile their loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from baselines.base import Evidence
from baselines.spatial import ImageMasks, MaskLabel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


@dataclass(frozen=True)
class SmallMaps:
    """Maps of one unit (`baselines.spatial.Maps`)."""

    values: Tensor
    n_images: int = 2
    n_units: int = 1
    map_size: tuple[int, int] = (2, 2)

    def batches(self) -> Iterator[Tensor]:
        """Go through all images once."""
        yield self.values


class SmallMasks:
    """Masks of one label (`baselines.spatial.Masks`), larger than the maps."""

    labels = (MaskLabel("label", "object"),)
    categories = ("object",)
    mask_size = (3, 3)

    def __len__(self) -> int:
        return 2

    def image(self, index: int) -> ImageMasks:
        """Return one plane without gaps."""
        return ImageMasks(np.zeros((1, 3, 3), np.int32))


def small_evidence() -> Evidence:
    """Return what Network Dissection and Compositional Explanations need."""
    values = torch.arange(8.0).view(2, 1, 2, 2)
    return Evidence(values.mean(dim=(2, 3)), (), maps=SmallMaps(values), masks=SmallMasks())
