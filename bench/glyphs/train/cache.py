"""Render a split once into memory-mapped arrays."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from tqdm import tqdm

from bench.files import atomic_folder
from bench.glyphs.raster import SIZE
from bench.glyphs.world import fingerprint, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_CHUNK = 250
_T = TypeVar("_T")


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


def load_split(
    folder: Path, split: str, count: int, variant: str = "val", workers: int | None = None
) -> RenderedSplit:
    """Load the first ``count`` samples of a split; render them first if they are not cached.

    Args:
        folder: Cache folder; an entry takes 49 kB per image.
        split: ``train``, ``val``, ``probe`` or ``annotate``.
        count: Number of images.
        variant: Variant of the world.
        workers: Number of rendering processes; None for all cores.
    """
    path = folder / f"{split}-{variant}-{count}-{fingerprint()[:12]}"
    if not path.exists():
        with atomic_folder(path) as part:
            arrays = {"images": (np.uint8, (SIZE, SIZE, 3)), "labels": (np.int16, (2,))}
            write = partial(_write_samples, split, variant)
            captions = render_chunks(part, arrays, write, count, workers, f"render {split}")
            text = json.dumps([*chain.from_iterable(captions)])
            (part / "captions.json").write_text(text, encoding="utf-8")
    labels = np.load(path / "labels.npy").astype(np.int64)
    return RenderedSplit(
        images=np.load(path / "images.npy", mmap_mode="r"),
        objects=labels[:, 0],
        scenes=labels[:, 1],
        captions=json.loads((path / "captions.json").read_text(encoding="utf-8")),
    )


def render_chunks(
    folder: Path,
    arrays: Mapping[str, tuple[Any, tuple[int, ...]]],
    write: Callable[[Path, range], _T],
    count: int,
    workers: int | None,
    title: str,
) -> list[_T]:
    """Create array files and fill them in several processes.

    Args:
        folder: Folder of the files.
        arrays: Type and shape of one image's entry in each file ``<name>.npy``.
        write: Writes the entries of some images into the files.
        count: Number of images.
        workers: Number of processes; None for all cores.
        title: Title of the progress bar.

    Returns:
        Results of ``write``, in the order of the images.
    """
    for name, (kind, shape) in arrays.items():
        file: Any = folder / f"{name}.npy"
        shape = (count, *shape)
        np.lib.format.open_memmap(file, mode="w+", dtype=kind, shape=shape).flush()
    chunks = [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        done = pool.map(partial(write, folder), chunks)
        return list(tqdm(done, total=len(chunks), desc=title))


def _write_samples(split: str, variant: str, folder: Path, indices: range) -> list[list[str]]:
    """Write images and labels; return their captions."""
    images = np.load(folder / "images.npy", mmap_mode="r+")
    labels = np.load(folder / "labels.npy", mmap_mode="r+")
    written = []
    for index in indices:
        sample = render(index, variant, split)
        images[index] = sample.image
        main = sample.instances[0].object_id if sample.instances else -1
        labels[index] = main, sample.scene_id
        written.append(list(sample.captions))
    return written
