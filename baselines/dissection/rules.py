"""Compute scores and labels from counts, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

Denominator = Literal["official", "image_has_category"]
DENOMINATORS: tuple[Denominator, ...] = ("official", "image_has_category")

_TINY = 1e-10  # added to the official denominator, against 0 / 0


def grid_level(quantile: float) -> float:
    """Return the level at which Network Dissection's official code reads its thresholds.

    It reads a grid of 1,000 points from 0 to 1 at index int(1000 (1 - quantile) - 1), so that the
    default quantile, 0.005, means level 994 / 999 = 0.994995.

    Args:
        quantile: Share of a unit's values above its threshold, in [0.001, 0.999].

    Raises:
        ValueError: `quantile` is out of range.
    """
    if not 0.001 <= quantile <= 0.999:
        raise ValueError(f"quantile must be in [0.001, 0.999], not {quantile!r}")
    return max(0, int(1000 * (1 - quantile) - 1)) / 999


def iou_by_category(
    labels: NDArray[np.int64],
    both: NDArray[np.int64],
    by_category: NDArray[np.int64],
    category: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the intersection over union of Network Dissection (CVPR 2017, eq. 1).

    both / (by_category + labels - both + 1e-10): a unit's pixels count only in images where the
    label's category counts.

    Args:
        labels: Number of pixels of each label [C].
        both: Pixels of each label in each unit's mask [U, C].
        by_category: Number of each unit's pixels where a category counts [U, K].
        category: Category of each label, in 0..K-1 [C].

    Returns:
        float64 [U, C].
    """
    result: NDArray[np.float64] = both / (by_category[:, category] + labels - both + _TINY)
    return result


def iou(
    labels: NDArray[np.int64], both: NDArray[np.int64], active: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the intersection over union over all images; 0 if both sets are empty.

    Args:
        labels: Number of pixels of each label [C].
        both: Pixels of each label in each unit's mask [U, C].
        active: Number of each unit's pixels [U].

    Returns:
        float64 [U, C].
    """
    union = active[:, None] + labels - both
    result: NDArray[np.float64] = both / np.maximum(union, 1)
    return result


def category_winner(scores: ArrayLike) -> int | None:
    """Choose the category that names a unit by the score of each category's best label.

    The same rule chooses the best label of a category.

    Args:
        scores: IoU of the best label of each category [K], in the order of the source; NaN for
            none.

    Returns:
        The first category with the highest score; None if no score is positive.
    """
    table = np.asarray(scores, dtype=np.float64)
    table = np.where(np.isnan(table), 0.0, table)
    if not len(table) or not table.max() > 0:
        return None
    return int(np.argmax(table))


def with_gaps(scores: NDArray[np.float64], live: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mark scores that are not defined: NaN rows for dead units, -inf for labels without overlap.

    Args:
        scores: IoU [U, C].
        live: Units that carry a signal [U].

    Returns:
        float32 [U, C].
    """
    result = scores.astype(np.float32)
    result[~(scores > 0)] = -np.inf  # a label without overlap is not a guess
    result[~live] = np.nan
    return result


def best_labels(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return each unit's column of the highest finite score, -1 without one, [U]; ties by index."""
    if not scores.shape[1]:
        return np.full(len(scores), -1)
    finite = np.isfinite(scores)
    best = np.where(finite, scores, -np.inf).argmax(axis=1)
    return np.where(finite.any(axis=1), best, -1)


def detector_counts(
    scores: NDArray[np.float32],
    best: NDArray[np.int64],
    threshold: float,
    names: Sequence[tuple[str, str]],
) -> dict[str, int]:
    """Count the units that detect a label, and the detected labels by category.

    Args:
        scores: IoU [U, C].
        best: Column of each unit's label, or -1 [U].
        threshold: A unit detects its label if the IoU exceeds it.
        names: Name and category of each of the C labels.

    Returns:
        "detectors" (units), "unique_detectors" (labels), and "detectors_CATEGORY" (labels) for
        every category that has labels.
    """
    units = np.flatnonzero(best >= 0)
    detected = [u for u in units if scores[u, best[u]] > np.float32(threshold)]
    labels = {names[best[unit]] for unit in detected}
    counts = {"detectors": len(detected), "unique_detectors": len(labels)}
    for category in dict.fromkeys(category for _, category in names):
        counts[f"detectors_{category}"] = sum(kind == category for _, kind in labels)
    return counts
