"""Bilinear up-sampling of activation maps to the size of masks, fixed to the last bit.

Two incompatible versions are in use. `half_pixel` is that of Network Dissection (Bau et al., CVPR
2017; its code resizes with Pillow's bilinear filter): the corners of both grids coincide, borders
are replicated, and maps that shrink are smoothed first. `zero_pad_grid` is that of Network
Dissection 2020 (Bau et al., PNAS 2020): the same within the outermost cell centres, but it blends
with zero beyond them.

A mask is the set of pixels whose up-sampled value exceeds a threshold, so the last bit can decide a
pixel. The arithmetic is therefore part of the definition: columns first, then rows; each pass adds
the products of weights and values in float64, in ascending order of the source, and rounds the sum
to float32. Pillow's two passes do the same, and `half_pixel` has Pillow's bits. Unlike matrix
products in float32, this is monotone: if all values that contribute to a pixel are at most t, so
is the pixel, and likewise above t. Loops may therefore skip pixels without changing any mask.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

Mode = Literal["half_pixel", "zero_pad_grid"]


class Axis(NamedTuple):
    """The interpolation matrix of one axis, by its non-zero entries.

    Attributes:
        start: Source position of each target's first tap, int64 [target]. Positions count from
            the first of `pad` zeros, which precede and follow the source.
        weights: Weights of the K consecutive taps, float64 [target, K], at least 0; rows add up
            to 1.
        pad: Number of zeros on either side: 0 or 1.
    """

    start: NDArray[np.int64]
    weights: NDArray[np.float64]
    pad: int


class Grid(NamedTuple):
    """Both axes of a change of size: rows h -> sh and columns w -> sw."""

    rows: Axis
    columns: Axis


@lru_cache(maxsize=32)
def grid(source: tuple[int, int], target: tuple[int, int], mode: Mode) -> Grid:
    """Return the weights that resize maps.

    Args:
        source: (h, w).
        target: (sh, sw).
        mode: "half_pixel" or "zero_pad_grid". A 1 x 1 map is copied unchanged by both.

    Raises:
        ValueError: A size below 1, or an unknown mode.
    """
    if min(*source, *target) < 1:
        raise ValueError(f"invalid sizes {source} -> {target}: they must be at least 1")
    if mode not in ("half_pixel", "zero_pad_grid"):
        raise ValueError(f"unknown mode {mode!r}; valid: half_pixel, zero_pad_grid")
    axis = _triangle if mode == "half_pixel" or source == (1, 1) else _zero_padded
    return Grid(axis(source[0], target[0]), axis(source[1], target[1]))


def upsample(maps: Tensor, size: tuple[int, int], mode: Mode = "half_pixel") -> Tensor:
    """Resize maps to the size of masks.

    Args:
        maps: float32 [..., h, w].
        size: (sh, sw).
        mode: Version of the interpolation, see the module.

    Returns:
        float32 [..., sh, sw], the same bits on every device.

    Raises:
        ValueError: The maps are not float32, or the size or mode is invalid.
    """
    if maps.dtype != torch.float32:
        raise ValueError(f"maps must be float32, not {maps.dtype}")
    axes = grid((maps.shape[-2], maps.shape[-1]), size, mode)
    pad = axes.columns.pad
    padded = torch.nn.functional.pad(maps, (pad, pad, pad, pad)) if pad else maps
    across = _along(padded, axes.columns, -1)
    return _along(across, axes.rows, -2)


def _along(values: Tensor, axis: Axis, dim: int) -> Tensor:
    """Interpolate along one axis, without a matrix product, whose order of summation varies."""
    wide = values.double()
    start = torch.from_numpy(axis.start).to(values.device)
    weights = torch.from_numpy(axis.weights).to(values.device)
    shape = (-1, 1) if dim == -2 else (-1,)
    total = wide.index_select(dim, start) * weights[:, 0].view(shape)
    for tap in range(1, weights.shape[1]):
        total += wide.index_select(dim, start + tap) * weights[:, tap].view(shape)
    return total.float()


def _triangle(source: int, target: int) -> Axis:
    """Return weights of a triangle at each target's centre, as wide as the larger pixel."""
    scale = source / target
    width = max(scale, 1.0)
    spans, rows = [], []
    for at in range(target):
        centre = (at + 0.5) * scale
        first = max(0, int(centre - width + 0.5))
        stop = min(source, int(centre + width + 0.5))
        row = [max(0.0, 1.0 - abs((x - centre + 0.5) * (1.0 / width))) for x in range(first, stop)]
        total = 0.0
        for weight in row:  # not sum(), which may compensate and change Pillow's bits
            total += weight
        spans.append(first)
        rows.append([weight / total for weight in row])
    taps = max(len(row) for row in rows)
    start = np.minimum(np.array(spans, dtype=np.int64), source - taps)
    weights = np.zeros((target, taps))
    for at, row in enumerate(rows):
        shift = spans[at] - start[at]
        weights[at, shift : shift + len(row)] = row
    return Axis(start, weights, pad=0)


def _zero_padded(source: int, target: int) -> Axis:
    """Return weights of the two neighbours of each target's centre; one may be an outer zero."""
    start = np.empty(target, dtype=np.int64)
    weights = np.empty((target, 2))
    for at in range(target):
        place = (at + 0.5) * source / target - 0.5
        before = math.floor(place)
        start[at] = before + 1
        weights[at] = 1.0 - (place - before), place - before
    return Axis(start, weights, pad=1)
