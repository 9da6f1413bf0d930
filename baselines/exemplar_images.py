"""What a unit looks at, as images: exemplars whose pixels outside the mask are painted over.

Pure NumPy; shared by captioners that read images and by the reranking with an image-text encoder.
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
"""Level of the three channels of "grey", the middle of 0 to 255."""

MARGIN = 0.1
"""What a crop shows around the mask on each side, as a share of the mask's longer side."""

_SMALLEST = 8
"""A crop is at least 1 / 8 of the image wide: fewer pixels show a colour and nothing else."""


def check_background(background: str) -> None:
    """Refuse backgrounds that there are not.

    Raises:
        ValueError: As said.
    """
    if background not in get_args(Background):
        known = " or ".join(get_args(Background))
        raise ValueError(f"background is {known}, not {background!r}")


def paint(
    images: NDArray[np.uint8], masks: NDArray[np.bool_], background: Background = "mean"
) -> NDArray[np.uint8]:
    """Paint over what lies outside the masks.

    Args:
        images: uint8 [K, S, S, 3].
        masks: bool [K, S, S].
        background: "mean": the image's own mean colour, over all its pixels, rounded; "grey":
            `GREY`.

    Returns:
        uint8 [K, S, S, 3]; of the images of `images` none is changed in place. A mask that is all
        True leaves its image as it is.

    Raises:
        ValueError: An unknown background, or shapes that do not fit each other.
    """
    check_background(background)
    if images.shape != (*masks.shape, 3):
        raise ValueError(f"images {images.shape} and masks {masks.shape} do not fit each other")
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
        exemplars: Of the whole layer.
        unit: A unit that is not dead.
        background: See `paint`.

    Returns:
        uint8 [K, S, S, 3], best first. Where a mask is empty the image is one colour throughout.
    """
    images = exemplars.images([int(at) for at in exemplars.ids[unit]])
    return paint(images, exemplars.masks(unit), background)


def square_box(mask: NDArray[np.bool_], margin: float = MARGIN) -> tuple[int, int, int] | None:
    """Return the square that shows a mask with a margin.

    Its side is the longer side of the mask's bounding box and `margin` of that on either side,
    rounded up, at least S / 8 and at most S. It is centred on the box (half pixels go up and to
    the left) and, where it would stick out, moved into the image.

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
    # 10 * (1 + 2 * 0.1) is 12, whatever the last bit of the product says.
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
        exemplars: Of the whole layer.
        unit: A unit that is not dead.
        background: See `paint`; the mean colour is that of the whole image.
        margin: See `square_box`.

    Returns:
        Square images uint8 [s, s, 3] of sizes of their own, best exemplar first. An exemplar whose
        mask is empty is left out; one whose mask is all True is the whole image as it is.
    """
    painted = masked_images(exemplars, unit, background)
    crops = []
    for image, mask in zip(painted, exemplars.masks(unit), strict=True):
        box = square_box(mask, margin)
        if box is not None:
            top, left, side = box
            crops.append(image[top : top + side, left : left + side])
    return crops
