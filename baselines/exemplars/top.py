"""Track the images with the largest peaks, or other values, of each unit over batches of maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


class TopImages:
    """The K best images of each of U units so far, with their maps.

    The result is that of a stable sort of all images by descending peak, for any batches: the
    earlier image wins ties. NaN is less than any number.

    Args:
        top_k: Number of images K; before K images are added, free places have id -1, peak -inf.

    Attributes:
        seen: Number of images added.
        peaks: Value of the unit in each of its images, by default the largest of its map, float32
            [U, K], descending.
        ids: Positions of the images, int64 [U, K].
        maps: The units' maps in these images, float32 [U, K, h, w].
        broken: Units with a map or value that is not finite, bool [U].
    """

    peaks: Tensor
    ids: Tensor
    maps: Tensor
    broken: Tensor

    def __init__(self, top_k: int) -> None:
        self.seen = 0
        self._top_k = top_k

    def add(self, maps: Tensor, values: Tensor | None = None) -> None:
        """Add the next images.

        Args:
            maps: float32 [B, U, h, w], on the same device for all batches.
            values: What images are ranked by, float32 [B, U]; None for the peaks of the maps.
        """
        if not self.seen:
            self._begin(maps)
        found = maps.flatten(2).amax(dim=2)  # [B, U]; NaN where the map holds one
        self.broken |= ~torch.isfinite(found).all(dim=0)
        if values is not None:
            found = values.to(maps.device)
            self.broken |= ~torch.isfinite(found).all(dim=0)
        found = torch.where(torch.isnan(found), -torch.inf, found)
        # Merge only units with a larger peak: few in most batches.
        units = (found > self.peaks[:, -1]).any(dim=0).nonzero()[:, 0]
        if len(units):
            self._merge(units, found[:, units].T, maps)
        self.seen += len(maps)

    def _begin(self, maps: Tensor) -> None:
        _, n_units, height, width = maps.shape
        shape = (n_units, self._top_k)
        self.peaks = torch.full(shape, -torch.inf, device=maps.device)
        self.ids = torch.full(shape, -1, dtype=torch.int64, device=maps.device)
        self.maps = torch.zeros((*shape, height, width), device=maps.device)
        self.broken = torch.zeros(n_units, dtype=torch.bool, device=maps.device)

    def _merge(self, units: Tensor, found: Tensor, maps: Tensor) -> None:
        """Rank old and new images of some units, [u]; the new ones' peaks are [u, B]."""
        pool = torch.cat([self.peaks[units], found], dim=1)
        # Old images precede new ones, so that a stable sort breaks ties by index.
        order = torch.argsort(pool, dim=1, descending=True, stable=True)[:, : self._top_k]
        new_ids = torch.arange(self.seen, self.seen + len(maps), device=maps.device)
        ids = torch.cat([self.ids[units], new_ids.expand(len(units), -1)], dim=1)
        kept = self.maps[units[:, None], order.clamp(max=self._top_k - 1)]
        row, place = (order >= self._top_k).nonzero(as_tuple=True)
        kept[row, place] = maps[order[row, place] - self._top_k, units[row]]
        self.peaks[units] = pool.gather(1, order)
        self.ids[units] = ids.gather(1, order)
        self.maps[units] = kept
