"""Render the truth of every pixel of a split once: the thing that the pixel shows.

A pixel's colour, object, scene and texture follow from the thing and from the image's labels, so
one map per image is enough.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from bench.glyphs.planes import MASK_SIZE, PLANES
from bench.glyphs.raster import SIZE
from bench.glyphs.world import fingerprint, render

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_CHUNK = 250
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
        """Return the class of each pixel.

        Args:
            index: Numbers of B images.
            side: Side of the planes; the pixels nearest to the centres of side x side cells.

        Returns:
            int64 [B, P, side, side], 0 for none.
        """
        at = ((np.arange(side) + 0.5) * MASK_SIZE / side).astype(np.int64)
        maps = self.maps[index][:, at][:, :, at].astype(np.int64)
        flat = maps.reshape(len(index), 1, -1)
        shape = (len(index), len(PLANES), side * side)
        found = np.take_along_axis(self.classes[index], np.broadcast_to(flat, shape), axis=2)
        return found.reshape(len(index), len(PLANES), side, side)


def _chunk(path: Path, split: str, start: int, stop: int) -> None:
    maps = np.load(path / "maps.npy", mmap_mode="r+")
    classes = np.load(path / "classes.npy", mmap_mode="r+")
    middle = np.arange(MASK_SIZE) * (SIZE // MASK_SIZE) + SIZE // MASK_SIZE // 2
    order = [plane.category for plane in PLANES]
    for index in range(start, stop):
        sample = render(index, "val", split)
        shown = np.where(sample.scene_mask, _SCENE, _NOTHING).astype(np.uint8)
        classes[index, order.index("scene"), _SCENE] = sample.scene_id + 1
        for number, one in enumerate(sample.instances, start=_THING):
            shown[one.mask] = number
            classes[index, order.index("object"), number] = one.object_id + 1
            classes[index, order.index("color"), number] = one.colour_id + 1
            classes[index, order.index("texture"), number] = one.texture_id + 1
        maps[index] = shown[np.ix_(middle, middle)]


def load_regions(folder: Path, split: str, count: int, workers: int | None = None) -> Regions:
    """Load the truth of a split; render it first if it is not cached.

    Args:
        folder: Cache folder; an entry takes 4 kB per image.
        split: ``train``, ``val`` or ``probe``.
        count: Number of images.
        workers: Number of rendering processes; None for all cores.

    Returns:
        The truth of the split's first ``count`` samples.
    """
    path = folder / f"regions-{split}-{count}-{fingerprint()[:12]}"
    if not path.exists():
        _make(path, split, count, workers or os.cpu_count() or 1)
    classes = np.load(path / "classes.npy").astype(np.int64)
    return Regions(np.load(path / "maps.npy", mmap_mode="r"), classes)


def _make(path: Path, split: str, count: int, workers: int) -> None:
    part = path.with_name(f"{path.name}.part{os.getpid()}")
    part.mkdir(parents=True)
    create = np.lib.format.open_memmap
    sides = (count, MASK_SIZE, MASK_SIZE)
    create(part / "maps.npy", mode="w+", dtype=np.uint8, shape=sides).flush()
    create(part / "classes.npy", mode="w+", dtype=np.uint8, shape=(count, len(PLANES), 4)).flush()
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(_chunk, part, split, start, min(start + _CHUNK, count))
            for start in range(0, count, _CHUNK)
        ]
        for job in tqdm(as_completed(jobs), total=len(jobs), desc=f"regions {split}"):
            job.result()
    try:
        part.rename(path)
    except OSError:  # another process was faster; its entry has the same bytes
        shutil.rmtree(part)
