"""Render the truth of every pixel of a split once: the thing that the pixel shows.

A pixel's colour, object, scene and texture follow from the thing and from the image's labels, so
one map per image is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.files import atomic_folder
from bench.glyphs.planes import MASK_SIZE, PLANES
from bench.glyphs.raster import SIZE
from bench.glyphs.train.cache import render_chunks
from bench.glyphs.world import fingerprint, render

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_NOTHING, _SCENE, _THING = 0, 1, 2
"""Values of the maps: clutter and occluders; the bare scene; the first thing (then the second)."""


@dataclass(frozen=True)
class Regions:
    """The truth of a split.

    Attributes:
        maps: Thing of each pixel, uint8 [N, 64, 64], memory-mapped: 0 nothing with a name, 1 the
            bare scene, 2 the main object, 3 the second object.
        classes: Class (from 1; 0 is none) of each of these four things in each plane, int64
            [N, P, 4].
    """

    maps: NDArray[np.uint8]
    classes: NDArray[np.int64]

    def planes(self, index: NDArray[np.int64], side: int = MASK_SIZE) -> NDArray[np.int64]:
        """Return the class of each pixel of B images, int64 [B, P, side, side], 0 for none.

        The pixels are those nearest to the centres of side x side cells.
        """
        at = ((np.arange(side) + 0.5) * MASK_SIZE / side).astype(np.int64)
        maps = self.maps[index][:, at][:, :, at].astype(np.int64)
        flat = maps.reshape(len(index), 1, -1)
        shape = (len(index), len(PLANES), side * side)
        found = np.take_along_axis(self.classes[index], np.broadcast_to(flat, shape), axis=2)
        return found.reshape(len(index), len(PLANES), side, side)


def load_regions(folder: Path, split: str, count: int, workers: int | None = None) -> Regions:
    """Load the truth of a split's first ``count`` samples; as `load_split`, 4 kB per image."""
    path = folder / f"regions-{split}-{count}-{fingerprint()[:12]}"
    if not path.exists():
        with atomic_folder(path) as part:
            arrays = {
                "maps": (np.uint8, (MASK_SIZE, MASK_SIZE)),
                "classes": (np.uint8, (len(PLANES), 4)),
            }
            write = partial(_write_truth, split)
            render_chunks(part, arrays, write, count, workers, f"regions {split}")
    classes = np.load(path / "classes.npy").astype(np.int64)
    return Regions(np.load(path / "maps.npy", mmap_mode="r"), classes)


def _write_truth(split: str, folder: Path, indices: range) -> None:
    maps = np.load(folder / "maps.npy", mmap_mode="r+")
    classes = np.load(folder / "classes.npy", mmap_mode="r+")
    middle = np.arange(MASK_SIZE) * (SIZE // MASK_SIZE) + SIZE // MASK_SIZE // 2
    for index in indices:
        sample = render(index, "val", split)
        shown = np.where(sample.scene_mask, _SCENE, _NOTHING).astype(np.uint8)
        for number, one in enumerate(sample.instances, start=_THING):
            shown[one.mask] = number
        maps[index] = shown[np.ix_(middle, middle)]
        for at, plane in enumerate(PLANES):
            if plane.category == "scene":
                classes[index, at, _SCENE] = sample.scene_id + 1
                continue
            for number, one in enumerate(sample.instances, start=_THING):
                classes[index, at, number] = one.concept(plane.category) + 1
