"""Read and write mask PNGs, which store one label number per pixel as red + 256 x green."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.broden.layout import MAX_PIXEL

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
            if image.size != (size[1], size[0]):
                width, height = image.size
                raise MaskError(f"is {height} x {width}, but the index says {size[0]} x {size[1]}")
            if image.mode not in ("RGB", "RGBA"):
                raise MaskError(
                    f"has mode {image.mode}, not RGB, which stores labels in red and green"
                )
            pixels = np.asarray(image)
    except FileNotFoundError as error:
        raise MaskError("is missing") from error
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise MaskError(f"cannot be read: {error}") from error
    # Widen first: uint8 x 256 overflows.
    red, green = pixels[..., 0].astype(np.int32), pixels[..., 1].astype(np.int32)
    return red + 256 * green


def write_plane(file: Path, numbers: NDArray[np.integer]) -> None:
    """Write label numbers as a mask.

    Args:
        file: File to write.
        numbers: Label numbers [sh, sw] in 0..65535.

    Raises:
        ValueError: A number is out of range.
    """
    if numbers.size and (numbers.min() < 0 or numbers.max() > MAX_PIXEL):
        raise ValueError(f"label numbers of masks must be in 0..{MAX_PIXEL}")
    pixels = np.zeros((*numbers.shape, 3), dtype=np.uint8)
    pixels[..., 0] = numbers & 0xFF
    pixels[..., 1] = numbers >> 8
    Image.fromarray(pixels).save(file, format="PNG")
