"""Masks of consecutive images, read on background threads and made ready for counting."""

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
        planes: Label of each pixel, -1 for none, int32 [P, sh, sw]: of one image after the other.
        ends: The column where the run of equal labels that a pixel is in ends, of the shape of
            `planes`, int16 (int32 for masks of 2^15 columns or more).
        plane_at: Planes of image b are plane_at[b] .. plane_at[b + 1] - 1, int64 [B + 1].
        scalars: Labels of whole images, int64 [S].
        scalar_at: Likewise for `scalars`.
        present: Categories of image b for which any active pixel counts, bool [B, K].
        labels: Pixels of each label in all B images, int64 [C].
    """

    planes: NDArray[np.int32]
    ends: NDArray[np.int16] | NDArray[np.int32]
    plane_at: NDArray[np.int64]
    scalars: NDArray[np.int64]
    scalar_at: NDArray[np.int64]
    present: NDArray[np.bool_]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Reading:
    """How masks are read.

    Attributes:
        whole_image: A category counts in an image that has it anywhere (else only where an active
            pixel has it, or the image as a whole).
        once: A pixel that several planes mark with one label counts once for it.
        threads: That read at a time; as many chunks wait, and no more.
    """

    whole_image: bool = False
    once: bool = False
    threads: int = 2


def label_categories(masks: Masks) -> NDArray[np.int64]:
    """Return each label's category as its position in `masks.categories`, int64 [C].

    Raises:
        ValueError: A label of a category that is not among them.
    """
    places = {name: at for at, name in enumerate(masks.categories)}
    unknown = sorted({label.category for label in masks.labels} - places.keys())
    if unknown:
        raise ValueError(f"labels of categories that the masks do not list: {', '.join(unknown)}")
    return np.array([places[label.category] for label in masks.labels], dtype=np.int64)


def read_chunks(masks: Masks, reading: Reading) -> Iterator[Chunk]:
    """Go through the masks once, CHUNK images at a time (fewer at the end).

    Raises:
        ValueError: Planes of another size than the masks', or a number that is no label.
    """
    category = label_categories(masks)
    starts = iter(range(0, len(masks), CHUNK))
    pool = ThreadPoolExecutor(reading.threads, thread_name_prefix="masks")
    waiting: deque[Future[Chunk]] = deque()
    try:
        for start in starts:
            waiting.append(pool.submit(_read, masks, category, reading, start))
            if len(waiting) > reading.threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Also where the reader of this generator has failed: it must not wait for what is left.
        pool.shutdown(wait=True, cancel_futures=True)


def _read(masks: Masks, category: NDArray[np.int64], reading: Reading, start: int) -> Chunk:
    # Numba takes a second or two to import, and listing methods reads no masks.
    from baselines.dissection.kernels.runs import find_runs

    indices = range(start, min(start + CHUNK, len(masks)))
    size, n_labels = (masks.mask_size[0], masks.mask_size[1]), len(category)
    images = [_checked(masks.image(index), index, size, n_labels) for index in indices]
    if reading.once:
        images = [_distinct(*image) for image in images]
    plane_at = np.cumsum([0, *(len(planes) for planes, _ in images)], dtype=np.int64)
    scalar_at = np.cumsum([0, *(len(scalars) for _, scalars in images)], dtype=np.int64)
    planes = np.concatenate([planes for planes, _ in images])
    scalars = np.concatenate([scalars for _, scalars in images])
    # Half the memory to fill: no mask in use is as wide as 16 bits can tell.
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
            raise ValueError(f"masks of image {index}: a plane holds a number that is no label")
        present[at, category[whole]] = True
        if reading.whole_image:
            present[at, category[own > 0]] = True
        np.add.at(own, whole, pixels)
        labels += own
    return Chunk(planes, ends, plane_at, scalars, scalar_at, present, labels)


def _checked(
    image: ImageMasks, index: int, size: tuple[int, int], n_labels: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    planes = np.ascontiguousarray(image.planes, dtype=np.int32)
    if planes.ndim != 3 or planes.shape[1:] != size:
        raise ValueError(
            f"masks of image {index}: planes of shape {planes.shape}, not [P, {size[0]}, {size[1]}]"
        )
    scalars = np.array(image.scalars, dtype=np.int64)
    if np.any((scalars < 0) | (scalars >= n_labels)):
        raise ValueError(f"masks of image {index}: a scalar that is no label")
    return planes, scalars


def _distinct(
    planes: NDArray[np.int32], scalars: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Keep every label at most once per pixel: in its first plane, or as a scalar."""
    planes, scalars = planes.copy(), np.unique(scalars)
    planes[np.isin(planes, scalars)] = -1
    for later in range(1, len(planes)):
        for earlier in range(later):
            planes[later][planes[later] == planes[earlier]] = -1
    return planes, scalars
