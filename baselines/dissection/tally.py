"""Count how units' thresholded maps overlap with labels, over any number of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.planes import CHUNK, Chunk, MaskRules, label_categories, read_chunks
from baselines.dissection.upsample import grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.dissection.upsample import Mode
    from baselines.spatial import Maps, Masks

Counts = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]


@dataclass(frozen=True)
class Tally:
    """Counts of pixels; counts of disjoint sets of images can be added.

    Attributes:
        labels: Number of pixels of each label, over all planes, int64 [C]; a scalar counts its
            whole image.
        both: Pixels of each label in each unit's mask, int64 [U, C].
        by_category: Pixels of each unit's mask in images where the category counts, int64 [U, K].
        active: Pixels of each unit's mask in all images, int64 [U].
        pixels: Number of pixels of all images.
    """

    labels: NDArray[np.int64]
    both: NDArray[np.int64]
    by_category: NDArray[np.int64]
    active: NDArray[np.int64]
    pixels: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.labels + other.labels,
            self.both + other.both,
            self.by_category + other.by_category,
            self.active + other.active,
            self.pixels + other.pixels,
        )


def tally(
    maps: Maps,
    masks: Masks,
    thresholds: NDArray[np.float64],
    *,
    mode: Mode = "half_pixel",
    rules: MaskRules | None = None,
    compiled: bool = True,
    threads: int | None = None,
) -> Tally:
    """Count overlaps of every unit's mask (up-sampled map > threshold) with every label.

    Counts are exact and do not depend on batch sizes, threads or devices. Memory holds one batch of
    maps, a few chunks of masks and the counts, for any number of images.

    Args:
        maps: Maps of N images.
        masks: Masks of the same images.
        thresholds: float64 [U]; a unit with threshold NaN is never counted.
        mode: Mode of up-sampling.
        rules: Which masks count; by default those of Network Dissection.
        compiled: Whether to count maps on a CPU by compiled loops, or by torch as on any other
            device.
        threads: Number of threads of the compiled loops; None for torch's.

    Returns:
        The counts.

    Raises:
        ValueError: Maps, masks and thresholds do not match, or masks are invalid.
    """
    from baselines.dissection.kernels.tally import tally_images
    from baselines.dissection.tally_by_torch import tally_by_torch
    from baselines.threads import workers

    n_units, size = maps.n_units, (int(masks.mask_size[0]), int(masks.mask_size[1]))
    if len(masks) != maps.n_images:
        raise ValueError(f"maps of {maps.n_images} images but masks of {len(masks)}")
    if thresholds.shape != (n_units,):
        raise ValueError(f"{n_units} units but thresholds of shape {thresholds.shape}")
    axes = grid(maps.map_size, size, mode)
    category = label_categories(masks)
    floors = at_most(thresholds)
    n_labels, n_categories = len(masks.labels), len(masks.categories)
    labels = np.zeros(n_labels, np.int64)
    counts: Counts = (
        np.zeros((n_units, n_labels), np.int64),
        np.zeros((n_units, n_categories), np.int64),
        np.zeros(n_units, np.int64),
    )
    with workers(threads) as team:
        for batch, chunk, offset in _aligned(maps, masks, rules or MaskRules()):
            if offset == 0:
                labels += chunk.labels
            if compiled and batch.device.type == "cpu":
                values = batch.contiguous().numpy()
                tally_images(values, floors, axes, chunk, offset, category, counts, team)
            else:
                tally_by_torch(batch, floors, size, mode, chunk, offset, category, counts)
    both, by_category, active = counts
    return Tally(labels, both, by_category, active, maps.n_images * size[0] * size[1])


def at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the highest float32 that does not exceed each threshold; NaN stays NaN.

    A float32 exceeds the result exactly if it exceeds the threshold.
    """
    near = thresholds.astype(np.float32)
    lower: NDArray[np.float32] = np.nextafter(near, np.float32(-np.inf))
    return np.where(near > thresholds, lower, near)


def _aligned(maps: Maps, masks: Masks, rules: MaskRules) -> Iterator[tuple[Tensor, Chunk, int]]:
    """Yield maps of consecutive images, their chunk of masks, and their offset in it.

    Yields:
        Batches [b, U, h, w] with b at most CHUNK. Every chunk is yielded once with offset 0.
    """
    shape = (maps.n_units, *maps.map_size)
    chunks = read_chunks(masks, rules)
    chunk, done = None, 0
    try:
        for batch in maps.batches():
            if tuple(batch.shape[1:]) != shape:
                raise ValueError(f"a batch of maps of shape {tuple(batch.shape)}, not [B, {shape}]")
            if done + len(batch) > len(masks):
                raise ValueError(f"maps of more than {len(masks)} images")
            at = 0
            while at < len(batch):
                offset = done % CHUNK
                if offset == 0:
                    chunk = next(chunks)
                assert chunk is not None
                width = min(CHUNK - offset, len(batch) - at)
                yield batch[at : at + width], chunk, offset
                at, done = at + width, done + width
    finally:
        chunks.close()  # type: ignore[attr-defined]
    if done != len(masks):
        raise ValueError(f"maps of {done} images instead of {len(masks)}")
