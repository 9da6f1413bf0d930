"""Crops of a unit's top images where its map is high (Describe-and-Dissect, step 1).

Source: Bai et al., "Describe-and-Dissect: Interpreting Neurons in Vision Networks with Language
Models", TMLR 2025, section 3.1. The published code casts maps to 8 bits, so that values above 1
overflow; here each map is scaled to 0..255 first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_OVERLAP = 0.5
"""Largest intersection over union of two crops of an image."""

MAX_SHARE = 0.8
"""A crop covers less than this share of the image."""


class Box(NamedTuple):
    """A rectangle of pixels; `bottom` and `right` are outside."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        """Number of pixels."""
        return (self.bottom - self.top) * (self.right - self.left)

    def overlap(self, other: Box) -> float:
        """Return the intersection over union with another box."""
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        width = min(self.right, other.right) - max(self.left, other.left)
        shared = max(0, height) * max(0, width)
        return shared / (self.area + other.area - shared)


def grey_levels(activation_map: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale a map to 0..255, from its smallest to its largest value; all 0 if it is constant."""
    low, high = float(activation_map.min()), float(activation_map.max())
    if not high > low:
        return np.zeros(activation_map.shape, np.uint8)
    scaled = (activation_map.astype(np.float64) - low) / (high - low) * 255
    return np.floor(scaled + 0.5).astype(np.uint8)


def otsu_threshold(levels: NDArray[np.uint8]) -> int:
    """Return the level that separates low from high pixels best (Otsu 1979).

    It maximises the variance between the pixels at most and above it; the first of equal ones.
    """
    counts = np.bincount(levels.reshape(-1), minlength=256).astype(np.float64)
    low = counts.cumsum()
    high = low[-1] - low
    total = (counts * np.arange(256)).cumsum()
    with np.errstate(invalid="ignore", divide="ignore"):
        between = low * high * (total / low - (total[-1] - total) / high) ** 2
    return int(np.nan_to_num(between).argmax())


def find_boxes(activation_map: NDArray[np.float32], limit: int = 4) -> list[Box]:
    """Return the boxes around the regions where a map is high, largest first.

    Regions are 8-connected pixels above Otsu's threshold, with their holes filled. A box is left
    out if it covers `MAX_SHARE` of the image, or overlaps a larger one by more than `MAX_OVERLAP`.

    Args:
        activation_map: float32 [S, S], in the size of the image.
        limit: Maximum number of boxes.
    """
    from scipy.ndimage import binary_fill_holes, find_objects, label

    levels = grey_levels(activation_map)
    regions, _ = label(binary_fill_holes(levels > otsu_threshold(levels)), np.ones((3, 3)))
    found = [
        Box(rows.start, columns.start, rows.stop, columns.stop)
        for rows, columns in find_objects(regions)
    ]
    kept: list[Box] = []
    for box in sorted(found, key=lambda box: (-box.area, box)):
        if len(kept) == limit:
            break
        if box.area < MAX_SHARE * levels.size and all(
            box.overlap(other) <= MAX_OVERLAP for other in kept
        ):
            kept.append(box)
    return kept


def cut_out(image: NDArray[np.uint8], boxes: Sequence[Box]) -> NDArray[np.uint8]:
    """Return the boxes of an image, each resized to the image's size.

    Args:
        image: uint8 [S, S, 3].
        boxes: B boxes.

    Returns:
        uint8 [B, S, S, 3].
    """
    from PIL import Image

    whole, size = Image.fromarray(image), image.shape[:2]
    crops = [
        whole.crop((box.left, box.top, box.right, box.bottom)).resize(
            size, Image.Resampling.BILINEAR
        )
        for box in boxes
    ]
    return np.array([np.asarray(crop) for crop in crops], np.uint8).reshape(-1, *image.shape)
