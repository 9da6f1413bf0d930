"""An image file of any mode as 8-bit RGB."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

EXTENSIONS = (
    ".bmp",
    ".gif",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
"""Endings of the files that a folder of images is searched for, in any case."""

DECODER_VERSION = 1
"""Raised when the pixels of some image come out otherwise."""

CURE = "repair it, take it out, or leave all such images out with probe.params.on_error=skip"

_DAMAGE = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError,
    EOFError, IndexError, KeyError, struct.error,
)  # fmt: skip
"""What Pillow's readers raise on a damaged file, or one that claims to be gigantic."""


def open_rgb(file: Path) -> Image.Image:
    """Read an image upright and as RGB.

    The camera's orientation tag is applied; transparency is laid on white; 16-bit levels are
    scaled to 8 bits; of an animation the first frame is taken. A CMYK JPEG is taken to hold
    inverted inks, as Adobe's programs write them, whether or not it says so; it becomes RGB by
    R = (255 - C)(255 - K) / 255, without a colour profile.

    Args:
        file: An image file.

    Raises:
        UserError: The file is no image, or is cut short.
    """
    try:
        with Image.open(file) as image:
            image.load()
            # In place: otherwise an upright image is copied for nothing.
            ImageOps.exif_transpose(image, in_place=True)
            return to_rgb(image)
    except _DAMAGE as error:
        raise UserError(
            f"cannot read this image: {error}",
            where=str(file),
            cure=CURE,
        ) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn an image of any mode into RGB; one that is RGB is handed back itself."""
    if image.mode.startswith("I") or image.mode == "F":
        return _from_levels(np.asarray(image))
    if ("A" in image.mode.upper() and image.mode != "LAB") or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    # What lies in a mapped file is copied out of it.
    return image if image.mode == "RGB" and not image.readonly else image.convert("RGB")


def _from_levels(levels: np.ndarray) -> Image.Image:
    """Grey levels beyond 8 bits: 16-bit integers over 65535, floats from 0 to 1 (or to 255)."""
    if levels.dtype.kind == "f":
        bright = np.nan_to_num(levels)
        grey = bright * 255 if bright.max(initial=0) <= 1 else bright
    else:
        # Some readers widen 8-bit files to 32: only levels beyond 255 prove 16 bits there.
        sixteen = levels.dtype.itemsize == 2 or levels.max(initial=0) > 255
        grey = levels.astype(np.float64) / 257 if sixteen else levels.astype(np.float64)
    return Image.fromarray(np.clip(grey + 0.5, 0, 255).astype(np.uint8)).convert("RGB")
