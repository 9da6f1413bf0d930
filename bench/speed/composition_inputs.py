"""Made-up masks and maps with as many labels, planes and regions as Broden's images have.

An image has a plane of objects (six regions with straight borders, 3/4 of them labelled), one of
parts (two ellipses), one of colours (four of eleven, in noisy blobs) and a scene. A label's
frequency falls with its rank, as in Broden. A unit responds to two frequent objects, blurred.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from baselines.spatial import ImageMasks, MaskLabel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

SIDE = 112
MAP_SIDE = 14
_COLOURS = 11
_REGIONS, _COLOURS_SEEN, _PARTS = 6, 4, 2
_BATCH = 64


class Shape(NamedTuple):
    """Sizes: labels, images, units."""

    concepts: int
    images: int
    units: int

    @property
    def groups(self) -> tuple[int, int, int]:
        """First labels of parts, scenes and colours; objects begin at 0."""
        parts = (self.concepts - _COLOURS) * 6 // 10
        scenes = (self.concepts - _COLOURS) * 8 // 10
        return parts, scenes, self.concepts - _COLOURS


class MasksInMemory:
    """Masks of a made-up dataset, in memory so that timings do not include making them."""

    categories = ("object", "part", "scene", "color")
    mask_size = (SIDE, SIDE)

    def __init__(self, shape: Shape, seed: int = 0) -> None:
        self.shape = shape
        self._planes = np.empty((shape.images, 3, SIDE, SIDE), np.int16)
        self._scenes = np.empty(shape.images, np.int64)
        for index in range(shape.images):
            random = np.random.default_rng([seed, index])
            self._planes[index], self._scenes[index] = _image(shape, random)

    @cached_property
    def labels(self) -> tuple[MaskLabel, ...]:
        """Labels of the masks."""
        starts = (0, *self.shape.groups, self.shape.concepts)
        return tuple(
            MaskLabel(f"{category} {number - start}", category)
            for category, start, stop in zip(self.categories, starts, starts[1:], strict=False)
            for number in range(start, stop)
        )

    def __len__(self) -> int:
        return self.shape.images

    def image(self, index: int) -> ImageMasks:
        """Return three planes and a scene."""
        return ImageMasks(self._planes[index].astype(np.int32), (int(self._scenes[index]),))

    def labels_per_image(self) -> float:
        """Return the mean number of labels of an image."""
        found = [len(np.unique(planes[planes >= 0])) + 1 for planes in self._planes]
        return float(np.mean(found))


class MapsInMemory:
    """Maps of units that respond to two objects each.

    Args:
        masks: The images' masks.
        seed: Of the noise.
    """

    map_size = (MAP_SIDE, MAP_SIDE)

    def __init__(self, masks: MasksInMemory, seed: int = 1) -> None:
        generator = torch.Generator().manual_seed(seed)
        shape = masks.shape
        self.n_images, self.n_units = shape.images, shape.units
        self.values = torch.empty(shape.images, shape.units, *self.map_size)
        # Objects of ranks 2, 3, ...: more frequent ones fill more than the half percent of a unit.
        wanted = torch.arange(2, 2 + 2 * shape.units).view(shape.units, 2) % shape.groups[0]
        for index in range(shape.images):
            plane = torch.from_numpy(masks.image(index).planes[0])
            seen = (plane == wanted[:, 0, None, None]) | (plane == wanted[:, 1, None, None])
            blurred = torch.nn.functional.avg_pool2d(seen.float(), SIDE // MAP_SIDE)
            noise = torch.randn(blurred.shape, generator=generator)
            self.values[index] = torch.relu(blurred + 0.3 * noise)

    def batches(self) -> Iterator[Tensor]:
        """Yield the maps of some images at a time."""
        for start in range(0, self.n_images, _BATCH):
            yield self.values[start : start + _BATCH]


def _image(shape: Shape, random: np.random.Generator) -> tuple[NDArray[np.int16], int]:
    """Draw planes [3, SIDE, SIDE] of objects, parts and colours, and the scene."""
    parts, scenes, colours = shape.groups
    planes = np.full((3, SIDE, SIDE), -1, np.int16)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    sites = random.random((_REGIONS, 2)) * SIDE
    distance = (rows - sites[:, :1, None]) ** 2 + (columns - sites[:, 1:, None]) ** 2
    objects = _ranked(random, parts, _REGIONS)
    objects[random.random(_REGIONS) < 0.25] = -1
    planes[0] = objects[distance.argmin(axis=0)]
    for label in parts + _ranked(random, scenes - parts, _PARTS):
        row, column = random.random(2) * SIDE
        height, width = 4 + random.random(2) * SIDE / 5
        inside = ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 < 1
        planes[1][inside] = label
    coarse = random.random((_COLOURS_SEEN, SIDE // 8, SIDE // 8)).repeat(8, 1).repeat(8, 2)
    strength = coarse + 0.4 * random.random((_COLOURS_SEEN, SIDE, SIDE))
    seen = random.permutation(_COLOURS)[:_COLOURS_SEEN]
    planes[2] = colours + seen[strength.argmax(axis=0)]
    return planes, int(scenes + _ranked(random, colours - scenes, 1)[0])


def _ranked(random: np.random.Generator, total: int, count: int) -> NDArray[np.int64]:
    """Draw numbers below `total` with a density of about 1 / rank."""
    drawn = (total + 1.0) ** random.random(count) - 1.0
    return np.minimum(drawn.astype(np.int64), total - 1)
