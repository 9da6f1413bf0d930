"""Thresholds of a layer's units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.dissection.quantile import unit_quantiles
from baselines.similarity import live_units

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from baselines.base import Evidence
    from baselines.dissection.upsample import Mode
    from baselines.spatial import Maps


def unit_thresholds(
    evidence: Evidence,
    maps: Maps,
    level: float,
    *,
    size: tuple[int, int] | None = None,
    mode: Mode = "half_pixel",
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the quantile of each live unit's values over all images and places.

    Args:
        evidence: Evidence with the pooled activations, which decide the dead units.
        maps: The layer's maps.
        level: Level of the quantile, in [0, 1].
        size: Up-sample the maps to (sh, sw) first; None for their own values.
        mode: Mode of up-sampling.

    Returns:
        Thresholds [U], NaN for dead units (activations constant or not all finite, or a value of a
        map not finite); whether each unit is live [U].
    """
    thresholds = unit_quantiles(maps, level, size=size, mode=mode)
    live = live_units(evidence.activations).cpu().numpy() & (thresholds == thresholds)
    thresholds[~live] = float("nan")
    return thresholds, live
