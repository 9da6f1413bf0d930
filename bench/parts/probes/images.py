"""Reading of image files of any mode as 8-bit RGB."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from bench.errors import UserError
from bench.parts.probes.grey_levels import has_high_depth, to_8_bits

if TYPE_CHECKING:
    from pathlib import Path

EXTENSIONS = (
    ".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif",
    ".tiff", ".webp",
)  # fmt: skip
"""Extensions of image files, in any case."""

DECODER_VERSION = 1
"""Incremented when the pixels of some image change."""

HINT = "repair it, remove it, or skip all such images with probe.params.on_error=skip"

_DAMAGE = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError,
    EOFError, IndexError, KeyError, struct.error,
)  # fmt: skip
"""Exceptions of Pillow's readers for damaged files and for excessive sizes."""


def open_rgb(file: Path) -> Image.Image:
    """Read an image upright and as RGB.

    Apply the camera's orientation tag; blend transparency with white; scale 16-bit and float levels
    to 8 bits if their range is known (see `grey_levels`); read the first frame of an animation.
    Read a CMYK JPEG with inverted inks, as Adobe's programs write it, and convert it without a
    colour profile: R = (255 - C)(255 - K) / 255.

    Args:
        file: An image file.

    Raises:
        UserError: The file is not an image, is truncated, or has levels of unknown range.
    """
    try:
        with Image.open(file) as image:
            image.load()
            # In place, to avoid a copy of an upright image.
            ImageOps.exif_transpose(image, in_place=True)
            return to_rgb(image)
    except _DAMAGE as error:
        raise UserError(f"cannot read this image: {error}", where=str(file), hint=HINT) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image of any mode to RGB; return an RGB image itself."""
    if has_high_depth(image):
        return to_8_bits(image).convert("RGB")
    if ("A" in image.mode.upper() and image.mode != "LAB") or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    # Copy pixels of a memory-mapped file.
    return image if image.mode == "RGB" and not image.readonly else image.convert("RGB")
