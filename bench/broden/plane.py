"""Read and write mask PNGs, which store one label number per pixel as red + 256 x green."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.broden.layout import by

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class MaskError(ValueError):
    """A file is not a valid mask; the message says why."""


def read_plane(file: Path, size: tuple[int, int]) -> NDArray[np.int32]:
    """Read the label numbers of a mask.

    Args:
        file: PNG in RGB (or RGBA); blue and alpha are ignored.
        size: Size (sh, sw) that it must have.

    Returns:
        int32 [sh, sw], 0 for no label.

    Raises:
        MaskError: The file is missing, invalid, or of another size.
    """
    try:
        with Image.open(file) as image:
            # Check before reading pixels: an invalid file may claim any size.
            if image.size != size[::-1]:
                raise MaskError(f"is {by(image.size[::-1])}, but the index says {by(size)}")
            if image.mode not in ("RGB", "RGBA"):
                raise MaskError(f"has mode {image.mode}; labels are stored in red and green of RGB")
            pixels = np.asarray(image)
    except FileNotFoundError as error:
        raise MaskError("is missing") from error
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise MaskError(f"cannot be read: {error}") from error
    # Widen first: uint8 x 256 overflows.
    red, green = pixels[..., 0].astype(np.int32), pixels[..., 1].astype(np.int32)
    return red + 256 * green


def write_plane(file: Path, numbers: NDArray[np.integer]) -> None:
    """Write label numbers [sh, sw] in 0..65535 as a mask."""
    pixels = np.stack([numbers & 0xFF, numbers >> 8, np.zeros_like(numbers)], axis=-1)
    write_png(Image.fromarray(pixels.astype(np.uint8)), file)


def write_png(picture: Image.Image, file: Path) -> None:
    """Write a PNG.

    Raises:
        OSError: The disk is full; Pillow would not say so.
    """
    buffer = BytesIO()
    picture.save(buffer, format="PNG")
    file.write_bytes(buffer.getvalue())
