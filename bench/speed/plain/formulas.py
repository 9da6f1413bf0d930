"""Search formulas plainly: one candidate at a time."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.composition.ranked import Limits

    Images = NDArray[np.bool_]


def auroc(images: Images, activations: NDArray[np.float32]) -> float:
    """Return the AUROC of activations as scores of images, from midranks."""
    _, inverse, counts = np.unique(activations, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    n = int(images.sum())
    return float((ranks[images].sum() - n * (n + 1) / 2) / (n * (len(images) - n)))


def search_by_rank(
    activations: NDArray[np.float32], presence: Images, limits: Limits
) -> list[float]:
    """Search one unit's beam with one AUROC for each candidate.

    Args:
        activations: Activations of the unit [N].
        presence: Whether an image has a label, bool [N, C].
        limits: Limits of the search.

    Returns:
        AUROC of the beam's formulas, best first; their sets of images are distinct.
    """
    literals = [images for label in presence.T for images in (label, ~label)]
    beam: dict[bytes, tuple[float, int, Images]] = {}

    def keep(candidates: list[tuple[int, Images]]) -> dict[bytes, tuple[float, int, Images]]:
        found = dict(beam)
        for length, images in candidates:
            mark, share = images.tobytes(), images.mean()
            if mark in found or not 0 < share < 1:
                continue
            if limits.min_fraction <= share <= limits.max_fraction:
                found[mark] = auroc(images, activations), length, images
        best = sorted(found.items(), key=lambda pair: (-pair[1][0], pair[1][1]))
        return dict(best[: limits.beam])

    beam = keep([(1, images) for images in literals])
    for _ in range(limits.max_length - 1):
        pairs = product(list(beam.values()), literals, (np.logical_and, np.logical_or))
        beam = keep([(n + 1, join(images, other)) for (_, n, images), other, join in pairs])
    return [score for score, _, _ in beam.values()]


def best_iou(
    labels: Images, sizes: NDArray[np.int64], fires: NDArray[np.int64], unit: int
) -> float:
    """Return the largest IoU of all formulas of up to three labels, each spelled out.

    Args:
        labels: Where labels hold, bool [C, A].
        sizes: Pixels of the A cells [A].
        fires: Pixels of the unit in each cell [A].
        unit: Pixels of the unit, with those without a label.
    """
    best = 0.0
    masks = list(labels)
    for step in range(3):
        for mask in masks:
            common = int(fires[mask].sum())
            best = max(best, common / (int(sizes[mask].sum()) + unit - common + 1e-10))
        pairs = product(masks if step < 2 else [], labels)
        masks = [wider for a, b in pairs for wider in (a | b, a & b, a & ~b)]
    return best
