"""Where units fire: the pixels of each unit in each cell of the dataset."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from baselines.composition.cells import Cells, CellsBuilder, ImageCells, image_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.spatial import Maps, Masks

    Upsample = Callable[[Tensor, tuple[int, int]], Tensor]

_Fired = tuple[int, "NDArray[np.int64]", "NDArray[np.bool_]"]
"""An image's row in its batch, the units [S] that fire in it, and their masks [S, sh * sw]."""
_CHUNK_BYTES = 2**25
"""Of up-sampled maps at a time: 32 MiB in float32, some 600 maps of 112 x 112."""
_IMAGES = 64
"""Whose cells are held at a time."""
_COMPACT = 2**22
"""Counts held apart before those of equal units and cells are added up: 64 MiB."""


@dataclass(frozen=True, eq=False)
class Firing:
    """Where one unit fires.

    Attributes:
        pixels: |u|, those without a label included.
        cells: The cells with a pixel of the unit, ascending, int64 [R].
        counts: How many pixels of the unit are in each, int64 [R].
    """

    pixels: int
    cells: NDArray[np.int64]
    counts: NDArray[np.int64]


def count_firing(
    maps: Maps,
    masks: Masks,
    thresholds: Tensor,
    upsample: Upsample,
    *,
    compiled: bool = True,
) -> tuple[Cells, list[Firing]]:
    """Go through maps and masks once and count the pixels of all units in all cells.

    A unit fires at a pixel where its up-sampled map is above its threshold, in images where its
    map as it came is somewhere above it; both strictly.

    Memory: the pixels of one batch, and 16 bytes per unit and cell in which it fires
    (while they are added up, some four times that).

    Args:
        maps: Activation maps, N images of U units.
        masks: Concept masks of these images.
        thresholds: T, float [U]; a unit of threshold NaN never fires.
        upsample: Takes maps [B, S, h, w] to those of a size (sh, sw), [B, S, sh, sw].
        compiled: Whether by compiled loops; else by NumPy, their reference.

    Returns:
        The cells of the dataset, and where each of the U units fires.

    Raises:
        ValueError: Maps and masks are of different numbers of images, or masks are malformed.
    """
    if len(masks) != maps.n_images:
        raise ValueError(f"maps of {maps.n_images} images, but masks of {len(masks)}")
    builder = CellsBuilder(len(masks.labels))
    counts = _Counts(maps.n_units)
    start = 0
    with ThreadPoolExecutor(max(1, torch.get_num_threads())) as pool:
        for batch in maps.batches():
            for first in range(0, len(batch), _IMAGES):
                part = batch[first : first + _IMAGES]
                read = partial(_read, masks, compiled=compiled)
                images = list(pool.map(read, range(start, start + len(part))))
                numbers = [builder.add(image) for image in images]
                count = partial(_count, images, compiled=compiled)
                for found in _firing(part, thresholds, masks.mask_size, upsample):
                    for (row, units, _), inside in zip(found, pool.map(count, found), strict=True):
                        counts.add(units, numbers[row], inside)
                start += len(part)
    if start != maps.n_images:
        raise ValueError(f"maps of {maps.n_images} images went through {start}")
    return builder.build(), counts.firing()


def _read(masks: Masks, index: int, *, compiled: bool) -> ImageCells:
    image = masks.image(index)
    return image_cells(image, masks.mask_size, len(masks.labels), compiled=compiled)


def _firing(
    maps: Tensor, thresholds: Tensor, size: tuple[int, int], upsample: Upsample
) -> Iterator[list[_Fired]]:
    """Masks of the units that fire, some images at a time."""
    limits = thresholds.to(maps.device)
    rows, units = (maps.amax(dim=(2, 3)) > limits).nonzero(as_tuple=True)
    step = max(1, _CHUNK_BYTES // (4 * size[0] * size[1]))
    for first in range(0, len(rows), step):
        row, unit = rows[first : first + step], units[first : first + step]
        large = upsample(maps[row, unit][None], size)[0]
        fires = (large > limits[unit][:, None, None]).flatten(1).cpu().numpy()
        images, starts = np.unique(row.cpu().numpy(), return_index=True)
        ends = [*starts[1:], len(row)]
        numbers = unit.cpu().numpy()
        spans = zip(images.tolist(), starts, ends, strict=True)
        yield [(image, numbers[at:end], fires[at:end]) for image, at, end in spans]


def _count(images: Sequence[ImageCells], fired: _Fired, *, compiled: bool) -> NDArray[np.int32]:
    """Pixels of each mask in each of its image's cells, int32 [S, K]."""
    row, _, fires = fired
    codes, n_codes = images[row].codes, len(images[row].sets)
    if compiled:
        from baselines.composition.kernels import pixels

        return pixels.count_codes(fires, codes, n_codes)
    return np.array([np.bincount(codes[mask], minlength=n_codes) for mask in fires], np.int32)


class _Counts:
    """Pixels by unit and cell, added up as they come."""

    def __init__(self, n_units: int) -> None:
        self._pixels = np.zeros(n_units, np.int64)
        self._keys: list[NDArray[np.int64]] = []  # unit * 2^32 + cell
        self._counts: list[NDArray[np.int64]] = []
        self._loose = 0

    def add(
        self, units: NDArray[np.int64], cells: NDArray[np.int64], counts: NDArray[np.int32]
    ) -> None:
        """Add the counts [S, K] of units [S] in cells [K]."""
        self._pixels[units] += counts.sum(axis=1, dtype=np.int64)
        unit, code = np.nonzero(counts * (cells >= 0))
        self._keys.append((units[unit] << 32) | cells[code])
        self._counts.append(counts[unit, code].astype(np.int64))
        self._loose += len(unit)
        if self._loose > max(_COMPACT, len(self._keys[0])):  # so that sorting stays in proportion
            self._compact()

    def _compact(self) -> None:
        keys, inverse = np.unique(np.concatenate(self._keys), return_inverse=True)
        counts = np.zeros(len(keys), np.int64)
        np.add.at(counts, inverse, np.concatenate(self._counts))
        self._keys, self._counts, self._loose = [keys], [counts], 0

    def firing(self) -> list[Firing]:
        """What was added, unit by unit."""
        if not self._keys:
            empty = np.zeros(0, np.int64)
            return [Firing(0, empty, empty) for _ in self._pixels]
        self._compact()
        [keys], [counts] = self._keys, self._counts
        edges = np.searchsorted(keys, np.arange(len(self._pixels) + 1, dtype=np.int64) << 32)
        return [
            Firing(int(pixels), keys[start:stop] & 0xFFFFFFFF, counts[start:stop])
            for pixels, start, stop in zip(self._pixels, edges[:-1], edges[1:], strict=True)
        ]
