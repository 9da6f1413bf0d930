"""Activation maps of planted units: the areas of their concepts, and noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bench.glyphs.areas import GRID, Areas, measure_areas
from bench.glyphs.counter_noise import noise, streams
from bench.glyphs.planted import CATEGORIES, LEVELS, planted_units
from bench.glyphs.world import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bench.glyphs.planted import PlantedUnit

BATCH = 8
"""Images in a batch, whose numbers fit in a processor's cache."""

NOISE = {"strong": 0.1, "middle": 0.4, "weak": 0.8}
"""Standard deviations of both kinds of noise by level, relative to the signal."""

THING_AREA, SCENE_AREA = 0.1, 0.86
"""Share of its image that a thing, or the bare scene, covers on average."""

_CELLS = GRID * GRID
_VALUES = 1 << 7
"""Values of noise reserved for each unit of an image: one for each cell, one for the image."""


@dataclass(frozen=True)
class PlantedMaps:
    """Maps of all planted units over consecutive probe images of Glyphs.

    The map of a unit is the share of each cell that its concepts cover, plus two kinds of normal
    noise: independent in each cell, and one value for the whole map. Noise is a function of seed,
    level, variant, image and unit alone.

    Attributes:
        seed: Seed of units and noise.
        level: One of `LEVELS`.
        variant: One of `bench.glyphs.world.VARIANTS`.
        size: Number of images.
        offset: Number of the first image.
    """

    seed: int
    level: str
    variant: str
    size: int
    offset: int = 0

    @cached_property
    def units(self) -> tuple[PlantedUnit, ...]:
        """The units."""
        return planted_units(self.seed)

    def batches(self) -> Iterator[NDArray[np.float32]]:
        """Yield the maps, float32 [B, units, GRID, GRID], in the order of the images."""
        areas = measure_areas(self.variant, self.size, self.offset)
        shown = shown_regions(self.units, areas)
        of_cell, of_image = deviations(self.units, self.level)
        numbers = np.arange(self.offset, self.offset + self.size)
        key = self.seed, LEVELS.index(self.level), VARIANTS[self.variant]
        states = streams(*key, numbers)
        first = np.arange(len(self.units), dtype=np.int64) * _VALUES
        for start in range(0, self.size, BATCH):
            rows = slice(start, start + BATCH)
            drawn = noise(states[rows, None], first, _CELLS + 1)
            maps = shown[rows].astype(np.float32) @ areas.shares[rows]
            maps += drawn[..., :_CELLS] * of_cell[:, None]
            maps += drawn[..., _CELLS:] * of_image[:, None]
            yield maps.reshape(len(maps), -1, GRID, GRID)

    @cached_property
    def means(self) -> NDArray[np.float32]:
        """Means of the maps, float32 [size, units]."""
        rows = [maps.mean(axis=(2, 3), dtype=np.float64) for maps in self.batches()]
        return np.concatenate(rows).astype(np.float32)


def shown_regions(units: tuple[PlantedUnit, ...], areas: Areas) -> NDArray[np.bool_]:
    """Return to which regions of each image each unit responds, bool [N, units, REGIONS]."""
    shown = np.zeros((len(areas.shares), len(units), areas.shares.shape[1]), dtype=bool)
    for number, unit in enumerate(units):
        if unit.concepts:
            combine = np.logical_and if unit.kind == "conjunction" else np.logical_or
            shown[:, number] = combine.reduce(
                [
                    areas.concepts[:, :, CATEGORIES.index(one.category)] == one.index
                    for one in unit.concepts
                ]
            )
    return shown


def deviations(
    units: tuple[PlantedUnit, ...], level: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the standard deviations of each unit's noise, of a cell and of a whole map.

    That of a cell is relative to a cell that a concept fills; that of a map is relative to the mean
    of a map whose image shows the concept.
    """
    noise_of = [0.0 if unit.kind == "dead" else NOISE[level] for unit in units]
    area = [
        SCENE_AREA if any(one.category == "scene" for one in unit.concepts) else THING_AREA
        for unit in units
    ]
    of_cell = np.array(noise_of, dtype=np.float32)
    return of_cell, of_cell * np.array(area, dtype=np.float32)
