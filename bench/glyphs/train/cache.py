"""Render a split once into memory-mapped arrays."""

from __future__ import annotations

import json
import logging
import os
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from bench.glyphs.raster import SIZE
from bench.glyphs.world import fingerprint, render

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)
_CHUNK = 250


@dataclass(frozen=True)
class RenderedSplit:
    """A rendered split.

    Attributes:
        images: uint8 [N, SIZE, SIZE, 3], memory-mapped.
        objects: Main object of each image, -1 for none, int64 [N].
        scenes: Scene of each image, int64 [N].
        captions: Captions of each image, the fullest first.
    """

    images: NDArray[np.uint8]
    objects: NDArray[np.int64]
    scenes: NDArray[np.int64]
    captions: list[list[str]]


def _chunk(
    path: Path, split: str, variant: str, start: int, stop: int
) -> tuple[int, list[list[str]]]:
    images = np.load(path / "images.npy", mmap_mode="r+")
    labels = np.load(path / "labels.npy", mmap_mode="r+")
    written = []
    for index in range(start, stop):
        sample = render(index, variant, split)
        images[index] = sample.image
        main = sample.instances[0].object_id if sample.instances else -1
        labels[index] = main, sample.scene_id
        written.append(list(sample.captions))
    return start, written


def load_split(
    folder: Path, split: str, count: int, variant: str = "val", workers: int | None = None
) -> RenderedSplit:
    """Load a rendered split; render it first if it is not cached.

    Args:
        folder: Cache folder; an entry takes 49 kB per image.
        split: ``train``, ``val`` or ``probe``.
        count: Number of images.
        variant: Variant of the world.
        workers: Number of rendering processes; None for all cores.

    Returns:
        The split's first ``count`` samples.
    """
    path = folder / f"{split}-{variant}-{count}-{fingerprint()[:12]}"
    if not path.exists():
        _render(path, split, variant, count, workers or os.cpu_count() or 1)
    labels = np.load(path / "labels.npy").astype(np.int64)
    return RenderedSplit(
        images=np.load(path / "images.npy", mmap_mode="r"),
        objects=labels[:, 0],
        scenes=labels[:, 1],
        captions=json.loads((path / "captions.json").read_text(encoding="utf-8")),
    )


def _render(path: Path, split: str, variant: str, count: int, workers: int) -> None:
    part = path.with_name(f"{path.name}.part{os.getpid()}")
    part.mkdir(parents=True)
    create = np.lib.format.open_memmap
    create(part / "images.npy", mode="w+", dtype=np.uint8, shape=(count, SIZE, SIZE, 3)).flush()
    create(part / "labels.npy", mode="w+", dtype=np.int16, shape=(count, 2)).flush()
    captions: list[list[str]] = [[] for _ in range(count)]
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(_chunk, part, split, variant, start, min(start + _CHUNK, count))
            for start in range(0, count, _CHUNK)
        ]
        for job in tqdm(as_completed(jobs), total=len(jobs), desc=f"render {split}"):
            start, written = job.result()
            captions[start : start + len(written)] = written
    (part / "captions.json").write_text(json.dumps(captions), encoding="utf-8")
    try:
        part.rename(path)
    except OSError:  # another process was faster; its entry has the same bytes
        _LOG.info("%s already rendered", path)
        shutil.rmtree(part)
