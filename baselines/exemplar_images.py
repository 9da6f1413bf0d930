"""Exemplars as images: pixels outside the masks painted over, or cut out.

Pure NumPy; used by captioners that read images and by reranking with an image-text encoder.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.spatial import Exemplars

Background = Literal["mean", "grey"]

GREY = 128
"""Level of the channels of "grey", the middle of 0..255."""

MARGIN = 0.1
"""Margin of a crop on each side of the mask, as a share of the mask's longer side."""

_SMALLEST = 8
"""Smallest crop, 1 / 8 of the image's side: fewer pixels show only a colour."""


def check_background(background: str) -> None:
    """Check the name of a background.

    Raises:
        ValueError: It is unknown.
    """
    if background not in get_args(Background):
        known = " or ".join(get_args(Background))
        raise ValueError(f"background must be {known}, not {background!r}")


def paint(
    images: NDArray[np.uint8], masks: NDArray[np.bool_], background: Background = "mean"
) -> NDArray[np.uint8]:
    """Paint over the pixels outside the masks.

    Args:
        images: uint8 [K, S, S, 3].
        masks: bool [K, S, S].
        background: "mean": the image's own mean colour, over all its pixels, rounded; "grey":
            `GREY`.

    Returns:
        New images, uint8 [K, S, S, 3]; unchanged where a mask is all True.

    Raises:
        ValueError: An unknown background, or shapes that do not match.
    """
    check_background(background)
    if images.shape != (*masks.shape, 3):
        raise ValueError(f"images {images.shape} do not match masks {masks.shape}")
    if background == "mean":
        colour = np.floor(images.mean(axis=(1, 2), keepdims=True) + 0.5).astype(np.uint8)
    else:
        colour = np.full((1, 1, 1, 3), GREY, dtype=np.uint8)
    return np.where(masks[..., None], images, colour)


def masked_images(
    exemplars: Exemplars, unit: int, background: Background = "mean"
) -> NDArray[np.uint8]:
    """Return a unit's exemplars with the pixels outside the masks painted over.

    Args:
        exemplars: Exemplars of the whole layer.
        unit: A live unit.
        background: See `paint`.

    Returns:
        uint8 [K, S, S, 3], best first. An image with an empty mask has a single colour.
    """
    images = exemplars.images([int(at) for at in exemplars.ids[unit]])
    return paint(images, exemplars.masks(unit), background)


def square_box(mask: NDArray[np.bool_], margin: float = MARGIN) -> tuple[int, int, int] | None:
    """Return the square that shows a mask with a margin.

    Its side is the longer side of the mask's bounding box plus `margin` of that on either side,
    rounded up, at least S / 8 and at most S. It is centred on the box (half pixels are rounded up
    and to the left) and moved into the image if necessary.

    Args:
        mask: bool [S, S].
        margin: Share of the longer side, at least 0.

    Returns:
        (top, left, side) in pixels; None for an empty mask.
    """
    size = int(mask.shape[0])
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    # 10 * (1 + 2 * 0.1) is 12, in spite of rounding.
    wanted = math.ceil(max(bottom - top, right - left) * (1 + 2 * margin) - 1e-9)
    side = min(size, max(wanted, math.ceil(size / _SMALLEST)))

    def begin(low: int, high: int) -> int:
        return min(max((low + high - side) // 2, 0), size - side)

    return begin(top, bottom), begin(left, right), side


def masked_crops(
    exemplars: Exemplars, unit: int, background: Background = "mean", margin: float = MARGIN
) -> list[NDArray[np.uint8]]:
    """Cut out what a unit's masks show, from its painted images.

    Args:
        exemplars: Exemplars of the whole layer.
        unit: A live unit.
        background: See `paint`; the mean colour is of the whole image.
        margin: See `square_box`.

    Returns:
        Square images uint8 [s, s, 3] of different sizes, best exemplar first. Exemplars with an
        empty mask are skipped; one whose mask is all True is the whole image.
    """
    painted = masked_images(exemplars, unit, background)
    crops = []
    for image, mask in zip(painted, exemplars.masks(unit), strict=True):
        box = square_box(mask, margin)
        if box is not None:
            top, left, side = box
            crops.append(image[top : top + side, left : left + side])
    return crops
