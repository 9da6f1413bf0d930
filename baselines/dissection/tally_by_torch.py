"""The tally in torch: for GPUs, and as reference of the compiled loops on CPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from baselines.dissection.upsample import upsample

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.dissection.planes import Chunk
    from baselines.dissection.upsample import Mode


def tally_by_torch(
    maps: Tensor,
    floors: NDArray[np.float32],
    size: tuple[int, int],
    mode: Mode,
    chunk: Chunk,
    offset: int,
    category: NDArray[np.int64],
    counts: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> None:
    """Count like `baselines.dissection.kernels.tally.tally_images`, on any device.

    Each image takes one product of the units' masks with the labels' masks. It is exact in float32,
    since an image has far fewer than 2^24 pixels and planes, and in TensorFloat32, which represents
    zeros and ones exactly. Images are summed in int64.
    """
    both, by_category, active = counts
    limits = torch.from_numpy(floors).to(maps.device)[:, None, None]
    for at in range(len(maps)):
        image = offset + at
        masks = (upsample(maps[at], size, mode) > limits).flatten(1)  # [U, pixels]
        area = masks.sum(dim=1).cpu().numpy()
        found, overlap = _overlap(masks, chunk, image)
        both[:, found] += overlap
        seen = np.repeat(chunk.present[image][None], len(area), axis=0)  # [U, K]
        for label, column in zip(found, overlap.T, strict=True):
            seen[:, category[label]] |= column > 0
        for label in chunk.scalars[chunk.scalar_at[image] : chunk.scalar_at[image + 1]]:
            both[:, label] += area
        by_category += area[:, None] * seen
        active += area


def _overlap(
    masks: Tensor, chunk: Chunk, image: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the labels of an image's planes [l], and their overlap with each unit [U, l]."""
    planes = chunk.planes[chunk.plane_at[image] : chunk.plane_at[image + 1]]
    labels, places = np.unique(planes, return_inverse=True)
    marks = torch.zeros((masks.shape[1], len(labels)), device=masks.device)
    pixels = torch.arange(masks.shape[1], device=masks.device)
    for plane in torch.from_numpy(places.reshape(len(planes), len(pixels))).to(masks.device):
        marks[pixels, plane] += 1.0  # one label per pixel and plane: no duplicate indices
    overlap = (masks.float() @ marks).to(torch.int64).cpu().numpy()
    kept = labels >= 0
    return labels[kept].astype(np.int64), overlap[:, kept]
