"""Random maps and masks with the proportions of a convolutional layer and of Broden.

Maps are rectified and smooth. One label plane consists of small patches (colours), the others of a
few regions with gaps. The time depends on the number of images in which a unit is active, which
the page reports, and on the length of the labels' runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from baselines.spatial import ImageMasks, MaskLabel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

CATEGORIES = {
    "color": 11,
    "object": 585,
    "part": 234,
    "material": 32,
    "scene": 468,
    "texture": 47,
}
"""Labels of each category in Broden (Bau et al., CVPR 2017, table 1)."""

LABELS = tuple(
    MaskLabel(f"{category} {at}", category)
    for category, count in CATEGORIES.items()
    for at in range(count)
)

_PATCH = 4  # pixels of a colour patch
_BATCH = 32


@dataclass(frozen=True)
class RandomMaps:
    """Maps in memory, repeated.

    Attributes:
        pool: Maps of the distinct images, float32 [n, U, h, w].
        n_images: Number of images N; image i has the maps of pool[i mod n].
    """

    pool: Tensor
    n_images: int

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.pool.shape[1])

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of the maps."""
        return int(self.pool.shape[2]), int(self.pool.shape[3])

    def batches(self) -> Iterator[Tensor]:
        """Yield the maps of a few images at a time."""
        done = 0
        while done < self.n_images:
            start = done % len(self.pool)
            width = min(_BATCH, len(self.pool) - start, self.n_images - done)
            yield self.pool[start : start + width]
            done += width


@dataclass(frozen=True)
class RandomMasks:
    """Masks in memory, repeated.

    Attributes:
        pool: Masks of the distinct images.
        n_images: Number of images N; image i has the masks of pool[i mod n].
        mask_size: Height and width of the masks.
    """

    pool: tuple[ImageMasks, ...]
    n_images: int
    mask_size: tuple[int, int]

    @property
    def labels(self) -> tuple[MaskLabel, ...]:
        """Labels, as many of each category as in Broden."""
        return LABELS

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories of Broden."""
        return tuple(CATEGORIES)

    def __len__(self) -> int:
        return self.n_images

    def image(self, index: int) -> ImageMasks:
        """Return the masks of one image."""
        return self.pool[index % len(self.pool)]


def random_maps(images: int, units: int, side: int, seed: int) -> Tensor:
    """Draw rectified maps, float32 [N, U, side, side]."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.empty(images, units, side, side)
    coarse = max(1, (side + 1) // 2)
    for at in range(images):
        noise = torch.randn(units, 1, coarse, coarse, generator=generator)
        fine = torch.nn.functional.interpolate(noise, size=(side, side), mode="bilinear")
        whole = torch.randn(
            units, 1, 1, generator=generator
        )  # preference of the unit for the image
        maps[at] = (fine[:, 0] + whole - 0.5).clamp_(min=0)
    return maps


def random_masks(images: int, side: int, seed: int) -> tuple[ImageMasks, ...]:
    """Draw planes of colours, objects, parts and some materials, a scene and some textures."""
    rng = np.random.default_rng(seed)
    first = dict(zip(CATEGORIES, np.cumsum([0, *CATEGORIES.values()]), strict=False))
    images_masks = []
    for _ in range(images):
        planes = [_patches(rng, side)]
        for category, regions in (("object", 12), ("part", 8)):
            planes.append(_regions(rng, side, regions, first[category], CATEGORIES[category]))
        if rng.random() < 0.4:
            planes.append(_regions(rng, side, 5, first["material"], CATEGORIES["material"]))
        scalars = [int(first["scene"] + rng.integers(CATEGORIES["scene"]))]
        if rng.random() < 0.1:
            scalars.append(int(first["texture"] + rng.integers(CATEGORIES["texture"])))
        images_masks.append(ImageMasks(np.stack(planes), tuple(scalars)))
    return tuple(images_masks)


def _patches(rng: np.random.Generator, side: int) -> NDArray[np.int32]:
    count = -(-side // _PATCH)
    patches = rng.integers(0, CATEGORIES["color"], (count, count)).astype(np.int32)
    return patches.repeat(_PATCH, axis=0).repeat(_PATCH, axis=1)[:side, :side]


def _regions(
    rng: np.random.Generator, side: int, count: int, first: int, labels: int
) -> NDArray[np.int32]:
    """Draw overlapping rectangles; -1 marks pixels without a label."""
    plane = np.full((side, side), -1, dtype=np.int32)
    for _ in range(count):
        top, left = rng.integers(0, side, 2)
        height, width = rng.integers(max(1, side // 10), max(2, side // 2), 2)
        plane[top : top + height, left : left + width] = first + rng.integers(labels)
    return plane
