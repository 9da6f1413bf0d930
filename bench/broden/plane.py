"""A mask PNG: one label number a pixel, red + 256 x green."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.broden.layout import MAX_PIXEL

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class MaskError(ValueError):
    """A file is no mask; the text says why."""


def read_plane(file: Path, size: tuple[int, int]) -> NDArray[np.int32]:
    """Read the label numbers of a mask.

    Args:
        file: A PNG in RGB (or RGBA); blue and alpha say nothing.
        size: (sh, sw) that it must have.

    Returns:
        int32 [sh, sw], 0 for no label.

    Raises:
        MaskError: The file is missing, no such picture, or of another size.
    """
    try:
        with Image.open(file) as image:
            # Before any pixel is read: a wrong file may claim to be of any size.
            if image.size != (size[1], size[0]):
                width, height = image.size
                raise MaskError(f"is {height} x {width}, and the index says {size[0]} x {size[1]}")
            if image.mode not in ("RGB", "RGBA"):
                raise MaskError(
                    f"is of mode {image.mode}; the label is in the red and green of RGB"
                )
            pixels = np.asarray(image)
    except FileNotFoundError as error:
        raise MaskError("is missing") from error
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise MaskError(f"cannot be read: {error}") from error
    # uint8 x 256 overflows: widened before anything is worked out.
    red, green = pixels[..., 0].astype(np.int32), pixels[..., 1].astype(np.int32)
    return red + 256 * green


def write_plane(file: Path, numbers: NDArray[np.integer]) -> None:
    """Write label numbers as a mask.

    Args:
        file: Where to.
        numbers: [sh, sw], each in 0..65535.

    Raises:
        ValueError: A number does not fit.
    """
    if numbers.size and (numbers.min() < 0 or numbers.max() > MAX_PIXEL):
        raise ValueError(f"label numbers in masks go from 0 to {MAX_PIXEL}")
    pixels = np.zeros((*numbers.shape, 3), dtype=np.uint8)
    pixels[..., 0] = numbers & 0xFF
    pixels[..., 1] = numbers >> 8
    Image.fromarray(pixels).save(file, format="PNG")
