"""Exact quantiles of all values of each unit's maps, for any number of images.

The official programs of Network Dissection keep a random sketch of each unit's values, which gives
Hazen's quantile for few values and is off by some ranks for many. Here quantiles are exact: one
pass over the maps counts values by the upper half of their bits, mapped so that they grow with the
value; a second pass counts the lower halves of those values whose upper half has the wanted rank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from baselines.dissection.upsample import grid, upsample

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.dissection.upsample import Mode
    from baselines.spatial import Maps
    from baselines.threads import Workers

_BINS = 1 << 16
_NARROW = 2**32  # values of a unit for which counts fit 32 bits
_TILE = 2**24  # up-sampled values per batch of torch: 64 MiB
_WIDER = 5.0
"""Factor of the wanted share of values in the first guess, since smoothing lowers values."""


def unit_quantiles(
    maps: Maps,
    level: float,
    *,
    size: tuple[int, int] | None = None,
    mode: Mode = "half_pixel",
    compiled: bool = True,
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return Hazen's quantile of each unit's values over all images.

    Equal to `np.quantile(values, level, method="hazen")` of all values at once, bit by bit.
    Memory: a batch of maps and 2^16 counts per unit (256 KiB with 32 bits, below 2^32 values per
    unit). Maps are read twice; three times if they are up-sampled, and once more if a unit's
    up-sampled quantile is below the guess that skips most of its values.

    Args:
        maps: float32 [N, U, h, w] in batches.
        level: Level of the quantile, in [0, 1].
        size: Size (sh, sw) to take the quantile of up-sampled values; None for the maps' values.
        mode: Mode of up-sampling.
        compiled: Whether to count maps on a CPU by compiled loops, or by torch as on any other
            device.
        threads: Number of threads of the compiled loops; None for torch's.

    Returns:
        Thresholds, float64 [U]; NaN for a unit with any value that is not finite.

    Raises:
        ValueError: A level outside [0, 1], or no values.
    """
    from baselines.threads import workers

    if not 0 <= level <= 1:
        raise ValueError(f"level must be in [0, 1], not {level!r}")
    height, width = size or maps.map_size
    total = maps.n_images * height * width
    if not total:
        raise ValueError("there are no values")
    with workers(threads) as team:
        counter = _Counter(maps, total, compiled, team)
        if size is None or size == maps.map_size:
            return counter.quantiles(level, None, "half_pixel", None)
        raw = counter.count(None, mode, counter.everything(), None)
        floors = counter.guess(raw, 1.0 - min(1.0, _WIDER * (1.0 - level)))
        return counter.quantiles(level, size, mode, floors)


class _Counter:
    """Passes over the maps, and their counts."""

    def __init__(self, maps: Maps, total: int, compiled: bool, team: Workers) -> None:
        self.maps, self.total, self.compiled, self.team = maps, total, compiled, team
        self.least = np.full(maps.n_units, 0xFFFFFFFF, dtype=np.uint32)
        self.broken = np.zeros(maps.n_units, dtype=np.bool_)

    def everything(self) -> NDArray[np.float32]:
        """Return floors that every finite value exceeds."""
        return np.full(self.maps.n_units, -np.inf, dtype=np.float32)

    def quantiles(
        self,
        level: float,
        size: tuple[int, int] | None,
        mode: Mode,
        floors: NDArray[np.float32] | None,
    ) -> NDArray[np.float64]:
        """Run both passes; values below the guessed `floors` may go uncounted."""
        from baselines.dissection.kernels.quantile import find, next_key

        rank, share = _hazen(level, self.total)
        floors = self.everything() if floors is None else floors
        high = self.count(size, mode, np.where(self.broken, np.inf, floors), None)
        below = self.total - high.sum(axis=1, dtype=np.int64)  # values up to the floor
        again = ~self.broken & (below > rank)
        if size is not None and again.any():
            high[again] = 0
            floors = np.where(again, -np.inf, floors)
            high += self.count(size, mode, np.where(again, -np.inf, np.inf), None)
            below = self.total - high.sum(axis=1, dtype=np.int64)
        floors = np.where(self.broken, np.inf, floors)
        bins, start = find(high, rank - below)
        del high
        low = self.count(size, mode, floors, bins)
        rest, before = find(low, rank - below - start)
        keys = (bins << 16) | rest
        keys[self.broken] = 0x80000000  # placeholder: the result is NaN
        values = _value(keys.astype(np.uint32))
        # The following value is equal, the next in the bin, or beyond the bin.
        last = below + start + before + low[np.arange(len(low)), rest] - 1
        same = (last > rank) | self.broken | (rank == self.total - 1)
        following = _value(np.minimum(next_key(low, bins, rest), self.least))
        following = np.where(same, values, following)
        result = _between(values.astype(np.float64), following.astype(np.float64), share)
        result[self.broken] = np.nan
        return result

    def guess(self, high: NDArray[Any], level: float) -> NDArray[np.float32]:
        """Return the quantile of the maps' own values, to the upper half of its bits."""
        from baselines.dissection.kernels.quantile import find

        if level <= 0:
            return self.everything()
        height, width = self.maps.map_size
        rank = int(level * (self.maps.n_images * height * width - 1))
        bins, _ = find(high, np.full(len(high), rank))
        floors = _value(((bins << 16) | 0xFFFF).astype(np.uint32))
        return np.where(np.isfinite(floors), floors, -np.inf).astype(np.float32)

    def count(
        self,
        size: tuple[int, int] | None,
        mode: Mode,
        floors: NDArray[Any],
        bins: NDArray[np.int64] | None,
    ) -> NDArray[Any]:
        """Run one pass: count keys by their upper 16 bits, or within `bins` by the lower."""
        from baselines.dissection.kernels.quantile import KeyCounts, count_values

        floors = floors.astype(np.float32)
        n_units = self.maps.n_units
        wanted = np.full(n_units, -1) if bins is None else bins
        counts = np.zeros((n_units, _BINS), np.uint32 if self.total < _NARROW else np.int64)
        axes = None if size is None else grid(self.maps.map_size, size, mode)
        on_device: Tensor | None = None
        for batch in self.maps.batches():
            if self.compiled and batch.device.type == "cpu":
                values = batch.contiguous().numpy()
                keys = KeyCounts(floors, wanted, counts, self.least, self.broken)
                count_values(values, axes, keys, self.team)
                continue
            if on_device is None:
                on_device = torch.zeros(counts.shape, dtype=torch.int64, device=batch.device)
            self._count_by_torch(batch, size, mode, floors, wanted, on_device)
        if on_device is not None:
            counts += on_device.cpu().numpy().astype(counts.dtype)
        return counts

    def _count_by_torch(
        self,
        batch: Tensor,
        size: tuple[int, int] | None,
        mode: Mode,
        floors: NDArray[np.float32],
        bins: NDArray[np.int64],
        counts: Tensor,
    ) -> None:
        """Count like `baselines.dissection.kernels.quantile.count_values`, on any device."""
        wanted = torch.from_numpy(bins).to(batch.device)[:, None]
        limits = torch.from_numpy(floors).to(batch.device)[:, None]
        if size is None:
            odd = ~torch.isfinite(batch).flatten(2).all(dim=2).all(dim=0)
            self.broken |= odd.cpu().numpy()
        height, width = size or self.maps.map_size
        for part in torch.split(batch, max(1, _TILE // (len(bins) * height * width))):
            values = part if size is None else upsample(part, size, mode)
            flat = values.transpose(0, 1).flatten(1)  # [U, b * P]
            number = (flat + 0.0).view(torch.int32).to(torch.int64) & 0xFFFFFFFF
            key = number ^ torch.where(number >> 31 == 1, 0xFFFFFFFF, 0x80000000)
            above, high = flat > limits, key >> 16
            inside = above & ((high == wanted) | (wanted < 0))
            digit = torch.where(wanted < 0, high, key & 0xFFFF)
            counts.scatter_add_(1, digit, inside.to(torch.int64))
            beyond = above & (wanted >= 0) & (high > wanted)
            least = torch.where(beyond, key, 0xFFFFFFFF).amin(dim=1).cpu().numpy()
            self.least = np.minimum(self.least, least.astype(np.uint32))


def _hazen(level: float, total: int) -> tuple[int, float]:
    """Return the rank below the quantile, from 0, and the fraction towards the next rank."""
    place = total * level + 0.5 - 1.0
    if place < 0:
        return 0, 0.0
    if place >= total - 1:
        return total - 1, 0.0
    return int(place), place - int(place)


def _between(
    low: NDArray[np.float64], high: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Interpolate between two values, from the nearer one, as numpy.quantile does."""
    step = high - low
    return high - step * (1.0 - share) if share >= 0.5 else low + step * share


def _value(keys: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Return the float32 of each key."""
    turned = np.where(keys >= 0x80000000, np.uint32(0x80000000), np.uint32(0xFFFFFFFF))
    return (keys ^ turned).view(np.float32)
