"""Read masks of consecutive images in background threads, and prepare them for counting."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from baselines.spatial import ImageMasks, Masks

CHUNK = 16
"""Images in a chunk: 5 MB with four planes of 112 x 112 pixels."""


class Chunk(NamedTuple):
    """Masks of B consecutive images.

    Attributes:
        planes: Label of each pixel, -1 for none, int32 [P, sh, sw], image after image.
        ends: Column where each pixel's run of equal labels ends, of the shape of `planes`, int16
            (int32 for masks of 2^15 columns or more).
        plane_at: Planes of image b are plane_at[b] .. plane_at[b + 1] - 1, int64 [B + 1].
        scalars: Labels of whole images, int64 [S].
        scalar_at: Scalars of image b are scalar_at[b] .. scalar_at[b + 1] - 1, int64 [B + 1].
        present: Categories of image b for which any active pixel counts, bool [B, K].
        labels: Number of pixels of each label in all B images, int64 [C].
    """

    planes: NDArray[np.int32]
    ends: NDArray[np.int16] | NDArray[np.int32]
    plane_at: NDArray[np.int64]
    scalars: NDArray[np.int64]
    scalar_at: NDArray[np.int64]
    present: NDArray[np.bool_]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class MaskRules:
    """Which masks count, and how many threads read them.

    Attributes:
        whole_image: Whether a category counts in an image that has it anywhere, or only if an
            active pixel or the image as a whole has it.
        once: Whether a pixel that several planes mark with one label counts once.
        threads: Number of threads that read, and of chunks that wait.
    """

    whole_image: bool = False
    once: bool = False
    threads: int = 2


def label_categories(masks: Masks) -> NDArray[np.int64]:
    """Return each label's category as its position in `masks.categories`, int64 [C].

    Raises:
        ValueError: A label has an unknown category.
    """
    places = {name: at for at, name in enumerate(masks.categories)}
    unknown = sorted({label.category for label in masks.labels} - places.keys())
    if unknown:
        raise ValueError(f"unknown categories of labels: {', '.join(unknown)}")
    return np.array([places[label.category] for label in masks.labels], dtype=np.int64)


def read_chunks(masks: Masks, rules: MaskRules) -> Iterator[Chunk]:
    """Read the masks once, CHUNK images at a time (fewer at the end).

    Raises:
        ValueError: Planes of another size, or invalid labels.
    """
    category = label_categories(masks)
    starts = iter(range(0, len(masks), CHUNK))
    pool = ThreadPoolExecutor(rules.threads, thread_name_prefix="masks")
    waiting: deque[Future[Chunk]] = deque()
    try:
        for start in starts:
            waiting.append(pool.submit(_read, masks, category, rules, start))
            if len(waiting) > rules.threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Also if the consumer of this generator failed: cancel the remaining chunks.
        pool.shutdown(wait=True, cancel_futures=True)


def _read(masks: Masks, category: NDArray[np.int64], rules: MaskRules, start: int) -> Chunk:
    # Numba takes a second or two to import, and listing methods reads no masks.
    from baselines.dissection.kernels.runs import find_runs

    indices = range(start, min(start + CHUNK, len(masks)))
    size, n_labels = (masks.mask_size[0], masks.mask_size[1]), len(category)
    images = [_check(masks.image(index), index, size, n_labels) for index in indices]
    if rules.once:
        images = [_remove_duplicates(*image) for image in images]
    plane_at = np.cumsum([0, *(len(planes) for planes, _ in images)], dtype=np.int64)
    scalar_at = np.cumsum([0, *(len(scalars) for _, scalars in images)], dtype=np.int64)
    planes = np.concatenate([planes for planes, _ in images])
    scalars = np.concatenate([scalars for _, scalars in images])
    # int16 halves the memory; masks in use are narrow enough.
    ends = np.empty(planes.shape, np.int16 if size[1] < 2**15 else np.int32)
    present = np.zeros((len(images), len(masks.categories)), dtype=np.bool_)
    labels = np.zeros(n_labels, dtype=np.int64)
    own = np.zeros(n_labels, dtype=np.int64)
    pixels = size[0] * size[1]
    for at, index in enumerate(indices):
        part = slice(plane_at[at], plane_at[at + 1])
        whole = scalars[scalar_at[at] : scalar_at[at + 1]]
        own[:] = 0
        if not find_runs(planes[part], n_labels, ends[part], own):
            raise ValueError(f"masks of image {index}: invalid label in a plane")
        present[at, category[whole]] = True
        if rules.whole_image:
            present[at, category[own > 0]] = True
        np.add.at(own, whole, pixels)
        labels += own
    return Chunk(planes, ends, plane_at, scalars, scalar_at, present, labels)


def _check(
    image: ImageMasks, index: int, size: tuple[int, int], n_labels: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    planes = np.ascontiguousarray(image.planes, dtype=np.int32)
    if planes.ndim != 3 or planes.shape[1:] != size:
        raise ValueError(
            f"masks of image {index}: planes of shape {planes.shape}, not [P, {size[0]}, {size[1]}]"
        )
    scalars = np.array(image.scalars, dtype=np.int64)
    if np.any((scalars < 0) | (scalars >= n_labels)):
        raise ValueError(f"masks of image {index}: invalid scalar label")
    return planes, scalars


def _remove_duplicates(
    planes: NDArray[np.int32], scalars: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Keep every label at most once per pixel: in its first plane, or as a scalar."""
    planes, scalars = planes.copy(), np.unique(scalars)
    planes[np.isin(planes, scalars)] = -1
    for later in range(1, len(planes)):
        for earlier in range(later):
            planes[later][planes[later] == planes[earlier]] = -1
    return planes, scalars
