"""Write Glyphs' exact masks as a Broden tree: pixels of colours, objects, textures; scenes."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from bench.broden import BrodenLabel, MaskedImage, write_broden
from bench.glyphs.planes import PLANES
from bench.glyphs.raster import SIZE
from bench.glyphs.world import instances_of, paint, plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.broden.content import Mark
    from bench.glyphs.world import Instance

FORMAT = 1
"""Version of masks, names and numbers."""

STEP = 2
"""Masks keep every second pixel of every second row, so that no pixels are blended."""

MASK_SIZE = (SIZE // STEP, SIZE // STEP)

CATEGORIES = tuple(plane.category for plane in PLANES)

_FIRST = dict(
    zip(CATEGORIES, accumulate((len(plane.concepts) for plane in PLANES), initial=1), strict=False)
)
"""Number of each category's first label; numbers start at 1, without gaps."""

_CHUNK = 64
_MOST_WORKERS = 4


def labels() -> tuple[BrodenLabel, ...]:
    """Return all concepts of the world, sorted by category as in `CATEGORIES`."""
    concepts = [(plane, concept) for plane in PLANES for concept in plane.concepts]
    return tuple(
        BrodenLabel(number, f"{concept.name}{plane.suffix}", plane.category, concept.synonyms)
        for number, (plane, concept) in enumerate(concepts, start=1)
    )


def marks(scene_id: int, instances: Sequence[Instance]) -> dict[str, list[Mark]]:
    """Return the marks of an image for `MaskedImage`, without categories that are not visible."""
    found: dict[str, list[Mark]] = {"scene": [_FIRST["scene"] + scene_id]}
    for category in ("color", "object", "texture"):
        plane: NDArray[np.int32] = np.zeros(MASK_SIZE, dtype=np.int32)
        for one in instances:
            plane[one.mask[::STEP, ::STEP]] = _FIRST[category] + one.concept(category)
        if plane.any():
            found[category] = [plane]
    return found


def write_glyphs(
    folder: Path,
    variant: str,
    size: int,
    *,
    with_images: bool = True,
    workers: int | None = None,
    offset: int = 0,
) -> None:
    """Write probe images of Glyphs with their masks as a Broden tree.

    Args:
        folder: Folder to create.
        variant: One of `bench.glyphs.world.VARIANTS`.
        size: Number of images.
        with_images: Whether to write the images too (PNG, so every pixel is exact).
        workers: Number of rendering processes; None for a few, or none for a small set.
        offset: Number of the first image.

    Raises:
        UserError: The folder exists already or cannot be written.
    """
    indices = range(offset, offset + size)
    samples = _masked(variant, indices, with_images, workers)
    bar = tqdm(samples, total=size, unit="image", desc=f"glyphs {variant}", disable=None)
    write_broden(folder, bar, labels(), CATEGORIES, mask_size=MASK_SIZE, with_images=with_images)


def _masked(
    variant: str, indices: range, with_images: bool, workers: int | None
) -> Iterator[MaskedImage]:
    chunks = [indices[start : start + _CHUNK] for start in range(0, len(indices), _CHUNK)]
    if workers is None:
        workers = min(_MOST_WORKERS, os.cpu_count() or 1, len(chunks) // 2)
    if workers < 2:
        for chunk in chunks:
            yield from _paint(chunk, variant, with_images)
        return
    with ProcessPoolExecutor(workers) as pool:
        # Submit only a few chunks at a time, so that memory stays bounded.
        waiting: deque[Future[list[MaskedImage]]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_paint, chunk, variant, with_images))
                if len(waiting) > 2 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _paint(chunk: range, variant: str, with_images: bool) -> list[MaskedImage]:
    from PIL import Image

    images = []
    for index in chunk:
        sketch = plan(index, variant)
        if with_images:
            sample = paint(sketch)
            picture, instances = Image.fromarray(sample.image), sample.instances
        else:  # masks take a third of the time of the whole image
            picture, instances = None, instances_of(sketch)
        found = marks(sketch.scene_id, instances)
        images.append(MaskedImage(f"{variant}/{index:06d}", found, picture))
    return images
