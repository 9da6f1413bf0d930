"""Count the pixels of each unit in each cell of the dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from baselines.composition.cells import Cells, CellsBuilder, ImageCells, image_cells
from baselines.dissection.tally import at_most
from baselines.dissection.upsample import grid, upsample

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.spatial import Maps, Masks
    from baselines.threads import Workers

UnitCounts = tuple["NDArray[np.int64]", "NDArray[np.int32]"]
"""Units [S] that fire in one image, and their pixels in each of its cells [S, K]."""

_IMAGES = 64
"""Number of images whose cells are in memory at a time."""
_COMPACT = 2**22
"""Number of counts before those of equal units and cells are summed: 64 MiB."""


@dataclass(frozen=True, eq=False)
class UnitCells:
    """Where one unit fires.

    Attributes:
        pixels: Number of pixels |u|, including those without a label.
        cells: Cells with a pixel of the unit, ascending, int64 [R].
        counts: Number of pixels of the unit in each, int64 [R].
    """

    pixels: int
    cells: NDArray[np.int64]
    counts: NDArray[np.int64]


def count_firing(
    maps: Maps,
    masks: Masks,
    thresholds: NDArray[np.float64],
    *,
    compiled: bool = True,
    threads: int | None = None,
) -> tuple[Cells, list[UnitCells]]:
    """Count the pixels of all units in all cells, in one pass over maps and masks.

    A unit fires at pixels where its map, up-sampled bilinearly ("half_pixel"), exceeds its
    threshold.

    Memory: the cells of some images, and 16 bytes per unit and cell in which it fires (about four
    times that during summation).

    Args:
        maps: Activation maps, N images of U units.
        masks: Concept masks of these images.
        thresholds: Thresholds, float64 [U]; a unit with threshold NaN never fires.
        compiled: Whether to count maps on a CPU by compiled loops, or by torch and NumPy as on any
            other device.
        threads: Number of threads of the compiled loops; None for torch's.

    Returns:
        Cells of the dataset, and where each of the U units fires.

    Raises:
        ValueError: Maps, masks and thresholds do not match, or masks are invalid.
    """
    from baselines.threads import workers

    if len(masks) != maps.n_images:
        raise ValueError(f"maps of {maps.n_images} images but masks of {len(masks)}")
    if thresholds.shape != (maps.n_units,):
        raise ValueError(f"{maps.n_units} units but thresholds of shape {thresholds.shape}")
    builder, counts = CellsBuilder(len(masks.labels)), _Counts(maps.n_units)
    start = 0
    with workers(threads) as team:
        counter = _Counter(masks, at_most(thresholds), maps.map_size, compiled, team)
        for batch in maps.batches():
            if start + len(batch) > len(masks):
                raise ValueError(f"maps of more than {len(masks)} images")
            for first in range(0, len(batch), _IMAGES):
                part = batch[first : first + _IMAGES]
                for image, (units, inside) in counter.count(part, start):
                    counts.add(units, builder.add(image), inside)
                start += len(part)
    if start != len(masks):
        raise ValueError(f"maps of {start} images instead of {len(masks)}")
    return builder.build(), counts.firing()


class _Counter:
    """Counter of the firing pixels of some images at a time."""

    def __init__(
        self,
        masks: Masks,
        floors: NDArray[np.float32],
        map_size: tuple[int, int],
        compiled: bool,
        team: Workers,
    ) -> None:
        self.masks, self.floors, self.compiled, self.team = masks, floors, compiled, team
        self.size = (int(masks.mask_size[0]), int(masks.mask_size[1]))
        self.axes = grid(map_size, self.size, "half_pixel")

    def count(self, maps: Tensor, start: int) -> list[tuple[ImageCells, UnitCounts]]:
        """Return cells and firing units of images start, start + 1, ..."""
        found: dict[int, tuple[ImageCells, UnitCounts]] = {}
        n_labels = len(self.masks.labels)

        def run(first: int, stop: int) -> None:
            for row in range(first, stop):
                image = image_cells(self.masks.image(start + row), self.size, n_labels)
                found[row] = image, self._count_units(maps[row], image)

        self.team.over(len(maps), run)
        return [found[row] for row in range(len(maps))]

    def _count_units(self, maps: Tensor, image: ImageCells) -> UnitCounts:
        """Return where units fire in an image, from its maps [U, h, w]."""
        n_codes = len(image.sets)
        if self.compiled and maps.device.type == "cpu":
            from baselines.composition.kernels.firing import count_codes

            values = maps.contiguous().numpy()
            return count_codes(values, self.floors, self.axes, image.codes, n_codes)
        floors = torch.from_numpy(self.floors).to(maps.device)[:, None, None]
        units = (maps > floors).flatten(1).any(dim=1).nonzero()[:, 0]
        fires = upsample(maps[units], self.size) > floors[units]
        masks = fires.flatten(1).cpu().numpy()
        counts = np.zeros((len(units), n_codes), np.int32)
        for row, mask in enumerate(masks):
            counts[row] = np.bincount(image.codes[mask], minlength=n_codes)
        return units.cpu().numpy(), counts


class _Counts:
    """Running counts of pixels by unit and cell."""

    def __init__(self, n_units: int) -> None:
        self._pixels = np.zeros(n_units, np.int64)
        self._keys: list[NDArray[np.int64]] = []  # unit * 2^32 + cell
        self._counts: list[NDArray[np.int64]] = []
        self._pending = 0

    def add(
        self, units: NDArray[np.int64], cells: NDArray[np.int64], counts: NDArray[np.int32]
    ) -> None:
        """Add the counts [S, K] of units [S] in cells [K]."""
        self._pixels[units] += counts.sum(axis=1, dtype=np.int64)
        unit, code = np.nonzero(counts * (cells >= 0))
        self._keys.append((units[unit] << 32) | cells[code])
        self._counts.append(counts[unit, code].astype(np.int64))
        self._pending += len(unit)
        # The first array is already summed; sort it again only after enough new counts.
        if self._pending > max(_COMPACT, len(self._keys[0])):
            self._compact()

    def _compact(self) -> None:
        keys, inverse = np.unique(np.concatenate(self._keys), return_inverse=True)
        counts = np.zeros(len(keys), np.int64)
        np.add.at(counts, inverse, np.concatenate(self._counts))
        self._keys, self._counts, self._pending = [keys], [counts], 0

    def firing(self) -> list[UnitCells]:
        """Return the counts unit by unit."""
        if not self._keys:
            empty = np.zeros(0, np.int64)
            return [UnitCells(0, empty, empty) for _ in self._pixels]
        self._compact()
        [keys], [counts] = self._keys, self._counts
        edges = np.searchsorted(keys, np.arange(len(self._pixels) + 1, dtype=np.int64) << 32)
        return [
            UnitCells(int(pixels), keys[start:stop] & 0xFFFFFFFF, counts[start:stop])
            for pixels, start, stop in zip(self._pixels, edges[:-1], edges[1:], strict=True)
        ]
