"""Made-up masks and maps with as many planes and regions as Broden's images have.

An image has a plane of objects (six regions with straight borders, 3/4 of them labelled), one of
parts (two ellipses), one of colours (four of eleven, in noisy blobs) and a scene. A label's
frequency falls with its rank, as in Broden.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import avg_pool2d, interpolate

from baselines.spatial import ImageMasks, MaskLabel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

BRODEN_LABELS = 1_377
"""Number of Broden's labels (Bau et al., CVPR 2017, table 1)."""

PLANES = ("object", "part", "color")
_COLOURS = 11
_REGIONS, _COLOURS_SEEN, _PARTS = 6, 4, 2
_BATCH = 64


@dataclass(frozen=True)
class RandomMaps:
    """Maps of distinct images, float32 [n, U, h, w]; image i of N has those of pool[i mod n]."""

    pool: Tensor
    n_images: int

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.pool.shape[1]

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of the maps."""
        return self.pool.shape[2], self.pool.shape[3]

    def batches(self) -> Iterator[Tensor]:
        """Yield the maps of a few images at a time."""
        left = self.n_images
        while left > 0:
            for batch in torch.split(self.pool[:left], _BATCH):
                yield batch
                left -= len(batch)


@dataclass(frozen=True)
class RandomMasks:
    """Masks of distinct images; image i of N has those of planes[i mod n]."""

    planes: NDArray[np.int16]  # labels, -1 for none, [n, 3, side, side]
    scenes: NDArray[np.int64]  # [n]
    n_labels: int
    n_images: int

    categories = ("object", "part", "scene", "color")

    @property
    def mask_size(self) -> tuple[int, int]:
        """Height and width of the masks."""
        return self.planes.shape[2], self.planes.shape[3]

    @cached_property
    def labels(self) -> tuple[MaskLabel, ...]:
        """Labels of the masks."""
        starts = (0, *_first_labels(self.n_labels), self.n_labels)
        return tuple(
            MaskLabel(f"{category} {number - start}", category)
            for category, start, stop in zip(self.categories, starts, starts[1:], strict=False)
            for number in range(start, stop)
        )

    def __len__(self) -> int:
        return self.n_images

    def image(self, index: int) -> ImageMasks:
        """Return three planes and a scene."""
        at = index % len(self.planes)
        return ImageMasks(self.planes[at].astype(np.int32), (int(self.scenes[at]),))


def random_masks(n_labels: int, images: int, side: int, seed: int = 0) -> RandomMasks:
    """Draw the masks of images, side x side pixels."""
    planes = np.full((images, 3, side, side), -1, np.int16)
    scenes = np.empty(images, np.int64)
    for index in range(images):
        random = np.random.default_rng([seed, index])
        scenes[index] = _draw_image(planes[index], n_labels, random)
    return RandomMasks(planes, scenes, n_labels, images)


def random_maps(images: int, units: int, side: int, seed: int) -> RandomMaps:
    """Draw rectified, smooth maps, side x side; a unit prefers some images as a whole."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.empty(images, units, side, side)
    coarse = max(1, (side + 1) // 2)
    for at in range(images):
        noise = torch.randn(units, 1, coarse, coarse, generator=generator)
        fine = interpolate(noise, size=(side, side), mode="bilinear")
        preference = torch.randn(units, 1, 1, generator=generator)
        maps[at] = (fine[:, 0] + preference - 0.5).clamp_(min=0)
    return RandomMaps(maps, images)


def responding_maps(masks: RandomMasks, units: int, side: int, seed: int = 1) -> RandomMaps:
    """Draw maps, side x side, of units that respond to two frequent objects, blurred."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.empty(len(masks), units, side, side)
    # Objects of ranks 2, 3, ...: more frequent ones fill more than the half percent of a unit.
    parts = _first_labels(masks.n_labels)[0]
    wanted = torch.arange(2, 2 + 2 * units).view(units, 2, 1, 1) % parts
    for index in range(len(masks)):
        plane = torch.from_numpy(masks.image(index).planes[0])
        seen = (plane == wanted[:, 0]) | (plane == wanted[:, 1])
        blurred = avg_pool2d(seen.float(), masks.mask_size[0] // side)
        noise = torch.randn(blurred.shape, generator=generator)
        maps[index] = torch.relu(blurred + 0.3 * noise)
    return RandomMaps(maps, len(masks))


def _first_labels(n_labels: int) -> tuple[int, int, int]:
    """Return the first labels of parts, scenes and colours; objects begin at 0."""
    others = n_labels - _COLOURS
    return others * 6 // 10, others * 8 // 10, others


def _draw_image(planes: NDArray[np.int16], n_labels: int, random: np.random.Generator) -> int:
    """Draw objects, parts and colours into planes [3, side, side]; return the scene."""
    side = planes.shape[1]
    parts, scenes, colours = _first_labels(n_labels)
    rows, columns = np.mgrid[0:side, 0:side]
    sites = random.random((_REGIONS, 2)) * side
    distance = (rows - sites[:, :1, None]) ** 2 + (columns - sites[:, 1:, None]) ** 2
    objects = _draw_labels(random, parts, _REGIONS)
    objects[random.random(_REGIONS) < 0.25] = -1
    planes[0] = objects[distance.argmin(axis=0)]
    for label in parts + _draw_labels(random, scenes - parts, _PARTS):
        row, column = random.random(2) * side
        height, width = 4 + random.random(2) * side / 5
        inside = ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 < 1
        planes[1][inside] = label
    blobs = -(-side // 8)
    coarse = random.random((_COLOURS_SEEN, blobs, blobs)).repeat(8, 1).repeat(8, 2)
    noise = random.random((_COLOURS_SEEN, side, side))
    strength = coarse[:, :side, :side] + 0.4 * noise
    seen = random.permutation(_COLOURS)[:_COLOURS_SEEN]
    planes[2] = colours + seen[strength.argmax(axis=0)]
    return int(scenes + _draw_labels(random, colours - scenes, 1)[0])


def _draw_labels(random: np.random.Generator, total: int, count: int) -> NDArray[np.int64]:
    """Draw numbers below `total` with a density of about 1 / rank."""
    drawn = (total + 1.0) ** random.random(count) - 1.0
    return np.minimum(drawn.astype(np.int64), total - 1)
