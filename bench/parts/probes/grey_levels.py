"""Conversion of grey levels of more than 8 bits, if their range is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FORMATS_OF_16_BITS = ("PNG", "PPM")
"""Formats whose levels have 8 or 16 bits, although Pillow may return 32."""

_PHOTOMETRIC = 262
"""TIFF's tag for the meaning of zero: black (1) or white (0)."""


def has_high_depth(image: Image.Image) -> bool:
    """Return whether an image has 16 or 32-bit integers, or floats."""
    return image.mode.startswith("I") or image.mode == "F"


def to_8_bits(image: Image.Image) -> Image.Image:
    """Convert grey levels of more than 8 bits to 8 bits, rounded to the nearest.

    Divide 16-bit levels by 257. Multiply floats from 0 to 1 by 255. Keep whole numbers from 0 to
    255 in a wider type, unless the largest is 1. Refuse anything else: its white level is unknown,
    and a linear, physical or signed quantity would silently become a black or white image.

    Args:
        image: Of mode F, or of one that starts with I.

    Returns:
        Mode L.

    Raises:
        ValueError: The range of the levels is unknown.
    """
    levels = np.asarray(image)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:
        raise ValueError("its levels are stored inverted, zero for white; save it with zero black")
    if levels.dtype.kind != "f" and (
        levels.dtype.itemsize == 2 or image.format in _FORMATS_OF_16_BITS
    ):
        return _round(levels.astype(np.float64) / 257)
    return _convert_wide(levels)


def _convert_wide(levels: NDArray[np.generic]) -> Image.Image:
    if levels.dtype.kind == "f" and not np.isfinite(levels).all():
        raise ValueError("some of its levels are not finite (NaN or infinite)")
    values = levels.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if levels.dtype.kind == "f" and low >= 0 and high <= 1:
        return _round(values * 255)
    # Integers up to 1 may be black and white, or the two darkest of 256 levels.
    of_8_bits = low >= 0 and (high == 0 or 1 < high <= 255)
    if of_8_bits and (values == np.round(values)).all():
        return _round(values)
    kind = "floats" if levels.dtype.kind == "f" else f"{8 * levels.dtype.itemsize}-bit integers"
    raise ValueError(
        f"its levels are {kind} from {low:g} to {high:g}, and the level of white is unknown; "
        "save it with 8 or 16 bits, or as floats from 0 to 1"
    )


def _round(grey: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(grey + 0.5, 0, 255).astype(np.uint8))
