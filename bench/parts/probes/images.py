"""An image file of any mode as 8-bit RGB."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from bench.errors import UserError
from bench.parts.probes.levels import grey_of_levels, has_levels

if TYPE_CHECKING:
    from pathlib import Path

EXTENSIONS = (
    ".avif",
    ".bmp",
    ".gif",
    ".jfif",
    ".jpe",
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

HINT = "repair it, take it out, or leave all such images out with probe.params.on_error=skip"

_DAMAGE = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError,
    EOFError, IndexError, KeyError, struct.error,
)  # fmt: skip
"""What Pillow's readers raise on a damaged file, or one that claims to be gigantic."""


def open_rgb(file: Path) -> Image.Image:
    """Read an image upright and as RGB.

    The camera's orientation tag is applied; transparency is laid on white; 16-bit and float levels
    are scaled to 8 bits where their range is known (see `levels.py`); of an animation the
    first frame is taken. A CMYK JPEG is taken to hold inverted inks, as Adobe's programs write
    them, whether or not it says so; it becomes RGB by R = (255 - C)(255 - K) / 255, without a
    colour profile.

    Args:
        file: An image file.

    Raises:
        UserError: The file is no image, is cut short, or has levels of an unknown range.
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
            hint=HINT,
        ) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn an image of any mode into RGB; one that is RGB is handed back itself."""
    if has_levels(image):
        return grey_of_levels(image).convert("RGB")
    if ("A" in image.mode.upper() and image.mode != "LAB") or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    # What lies in a mapped file is copied out of it.
    return image if image.mode == "RGB" and not image.readonly else image.convert("RGB")
