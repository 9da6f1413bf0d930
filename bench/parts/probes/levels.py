"""Grey levels beyond 8 bits, brought to 8 bits where it is known what they range over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OF_16_BITS = ("PNG", "PPM")
"""Formats whose levels beyond 8 bits have 16, even where Pillow hands them over in 32."""

_PHOTOMETRIC = 262
"""TIFF's tag that says whether zero is black (1) or white (0)."""


def has_levels(image: Image.Image) -> bool:
    """Whether an image is of 16 or 32-bit integers, or of floats."""
    return image.mode.startswith("I") or image.mode == "F"


def grey_of_levels(image: Image.Image) -> Image.Image:
    """Bring grey levels beyond 8 bits to 8, rounded to the nearest.

    16-bit levels are divided by 257. Floats from 0 to 1 are multiplied by 255. Whole numbers from 0
    to 255 in a wider type are levels of 8 bits, unless the largest is 1. Of anything else it is not
    known which level is white: a linear, physical or signed quantity would silently become a black
    or a white image.

    Args:
        image: Of mode F, or of one that starts with I.

    Returns:
        Mode L.

    Raises:
        ValueError: It is not known what the levels range over; the text says why.
    """
    levels = np.asarray(image)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:
        raise ValueError("its levels are stored inverted, zero for white; save it with zero black")
    if levels.dtype.kind != "f" and (levels.dtype.itemsize == 2 or image.format in _OF_16_BITS):
        return _rounded(levels.astype(np.float64) / 257)
    return _of_wide(levels)


def _of_wide(levels: NDArray[np.generic]) -> Image.Image:
    if levels.dtype.kind == "f" and not np.isfinite(levels).all():
        raise ValueError("some of its levels are not finite (NaN or infinite)")
    values = levels.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if levels.dtype.kind == "f" and low >= 0 and high <= 1:
        return _rounded(values * 255)
    # Integers up to 1 are as likely black and white as the two darkest of 256 levels.
    of_8_bits = low >= 0 and (high == 0 or 1 < high <= 255)
    if of_8_bits and (values == np.round(values)).all():
        return _rounded(values)
    kind = "floats" if levels.dtype.kind == "f" else f"{8 * levels.dtype.itemsize}-bit integers"
    raise ValueError(
        f"its levels are {kind} from {low:g} to {high:g}, and nothing says which level is white; "
        "save it with 8 or 16 bits, or as floats from 0 to 1"
    )


def _rounded(grey: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(grey + 0.5, 0, 255).astype(np.uint8))
