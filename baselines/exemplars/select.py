"""Select the exemplars of every unit of a layer while reading its maps.

The rule is that of MILAN (Hernandez et al., ICLR 2022, section 3, and the settings of its code):
images by the largest value of the unit's map; a unit fires where its map, up-sampled by bilinear
interpolation that blends with zero beyond the outermost cells, exceeds a quantile of the values of
all its maps. Quantiles are of raw values, not of up-sampled ones, so a mask may be empty. Other
methods choose images by the pooled activation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.quantile import unit_quantiles
from baselines.dissection.upsample import grid
from baselines.exemplars.top import TopImages
from baselines.similarity import live_units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.spatial import ExemplarRule, Maps


@dataclass(frozen=True, eq=False)
class Ranking:
    """Exemplars without masks.

    Attributes:
        ids: Positions of the images, int64 [U, K], best first (ties: the first); -1 if dead.
        activations: Largest value of the unit's map in them, or its pooled activation, by the
            rule's order, float32 [U, K]; NaN if dead.
        levels: Level above which the unit fires, float64 [U]; NaN if dead, and for all units if
            `whole`.
        maps: Maps of the units in these images, float32 [U, K, h, w].
        whole: Whether maps are 1 x 1, so that a mask is the whole image.
    """

    ids: NDArray[np.int64]
    activations: NDArray[np.float32]
    levels: NDArray[np.float64]
    maps: NDArray[np.float32]
    whole: bool

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which units have exemplars, bool [U]."""
        found: NDArray[np.bool_] = self.ids[:, 0] >= 0
        return found


def rank(maps: Maps, activations: Tensor, rule: ExemplarRule) -> Ranking:
    """Return each unit's K = min(top_k, N) best images by the rule's order, and its level.

    Maps are read twice, or once if they are 1 x 1. Memory: U x K maps, a batch, and the counts of
    `unit_quantiles`. Results do not depend on batches or the device.

    Args:
        maps: float32 [N, U, h, w] in batches.
        activations: Pooled activations [N, U]; a unit is dead if they are constant or not all
            finite, or if a value of its maps is not finite.
        rule: Number and order of images, and level of the quantile.

    Raises:
        ValueError: No images, or `activations` of another number of images or units.
    """
    if not maps.n_images:
        raise ValueError("there are no images")
    if tuple(activations.shape) != (maps.n_images, maps.n_units):
        raise ValueError(
            f"maps are of {maps.n_images} images and {maps.n_units} units, activations of shape "
            f"{tuple(activations.shape)}"
        )
    whole = maps.map_size == (1, 1)
    top = TopImages(min(rule.top_k, maps.n_images))
    ranked_maps = _RankedMaps(maps, top, activations if rule.order == "pooled" else None)
    if whole:
        levels = np.full(maps.n_units, np.nan)
        for _ in ranked_maps.batches():
            pass
    else:
        levels = unit_quantiles(ranked_maps, rule.quantile)
    live = live_units(activations).cpu().numpy() & ~top.broken.cpu().numpy()
    if not whole:
        live &= ~np.isnan(levels)
        levels[~live] = np.nan
    return Ranking(
        ids=np.where(live[:, None], top.ids.cpu().numpy(), -1),
        activations=np.where(live[:, None], top.peaks.cpu().numpy(), np.float32(np.nan)),
        levels=levels,
        maps=top.maps.cpu().numpy(),
        whole=whole,
    )


def mask_bits(
    ranking: Ranking, size: int, units: slice | None = None, *, threads: int | None = None
) -> NDArray[np.uint8]:
    """Return where units fire in their exemplars.

    Args:
        ranking: The exemplars.
        size: Side S of the masks in pixels.
        units: Units; None for all.
        threads: Number of threads of the compiled loops; None for torch's.

    Returns:
        Masks packed by numpy.packbits, uint8 [units, K, ceil(S * S / 8)]; all set if `whole`, none
        for a dead unit. May be a read-only view.

    Raises:
        ValueError: A size below 1.
    """
    from baselines.dissection.tally import at_most
    from baselines.exemplars.kernels.masks import pack_masks
    from baselines.threads import workers

    if size < 1:
        raise ValueError(f"the size of masks must be at least 1, not {size!r}")
    chosen = slice(None) if units is None else units
    live, maps = ranking.live[chosen], ranking.maps[chosen]
    if ranking.whole:
        full = np.packbits(np.ones(size * size, dtype=np.bool_))
        rows = np.where(live[:, None, None], full, np.uint8(0))
        return np.broadcast_to(rows, (len(live), maps.shape[1], len(full)))
    bits = np.zeros((*maps.shape[:2], -(-size * size // 8)), np.uint8)
    axes = grid((maps.shape[2], maps.shape[3]), (size, size), "zero_pad_grid")
    with workers(threads) as team:
        pack_masks(np.ascontiguousarray(maps), at_most(ranking.levels[chosen]), axes, bits, team)
    return bits


class _RankedMaps:
    """Maps that also fill a ranking while they are read for the first time."""

    def __init__(self, maps: Maps, top: TopImages, values: Tensor | None) -> None:
        self._maps, self._top, self._values = maps, top, values
        self.n_images, self.n_units, self.map_size = maps.n_images, maps.n_units, maps.map_size

    def batches(self) -> Iterator[Tensor]:
        """Go through all images once."""
        first = self._top.seen == 0
        for batch in self._maps.batches():
            if first:
                seen = slice(self._top.seen, self._top.seen + len(batch))
                values = None if self._values is None else self._values[seen]
                self._top.add(batch.detach(), values)
            yield batch
        if self._top.seen != self.n_images:
            raise ValueError(f"maps of {self._top.seen} images instead of {self.n_images}")
