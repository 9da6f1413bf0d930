"""Maps and masks of resampled probe images, as views that copy nothing.

This module does not import torch at run time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.spatial import ImageMasks, Maps, MaskLabel, Masks


@dataclass(frozen=True, eq=False)
class ResampledMaps:
    """Maps of resampled images; `baselines.spatial.Maps`.

    Attributes:
        maps: Maps of N images.
        indices: Ascending positions of M of these images, with repetitions, int64 [M].
    """

    maps: Maps
    indices: NDArray[np.int64]

    @property
    def n_images(self) -> int:
        """M."""
        return len(self.indices)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.maps.n_units

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of the maps."""
        return self.maps.map_size

    def batches(self) -> Iterator[Tensor]:
        """Iterate once over the images of the original maps, and repeat or skip each of them."""
        import torch

        counts = torch.from_numpy(np.bincount(self.indices, minlength=self.maps.n_images))
        start = 0
        for batch in self.maps.batches():
            stop = start + len(batch)
            repeated = batch.repeat_interleave(counts[start:stop].to(batch.device), dim=0)
            start = stop
            if len(repeated):
                yield repeated


@dataclass(frozen=True, eq=False)
class ResampledMasks:
    """Masks of resampled images; `baselines.spatial.Masks`.

    Attributes:
        masks: Masks of N images.
        indices: Positions of M of these images, int64 [M].
    """

    masks: Masks
    indices: NDArray[np.int64]

    @property
    def labels(self) -> tuple[MaskLabel, ...]:
        """The concepts."""
        return self.masks.labels

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories."""
        return self.masks.categories

    @property
    def mask_size(self) -> tuple[int, int]:
        """Height and width of all masks."""
        return self.masks.mask_size

    def __len__(self) -> int:
        return len(self.indices)

    def image(self, index: int) -> ImageMasks:
        """Return the masks of one image; safe to call from several threads."""
        return self.masks.image(int(self.indices[index]))
