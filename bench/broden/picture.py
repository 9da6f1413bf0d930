"""The picture of an image of a tree to be written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.broden.shapes import upright_size
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.broden.content import MaskedImage

_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
"""Pillow's modes that a PNG keeps as they are."""


def picture_of(image: MaskedImage) -> Image.Image | Path:
    """The picture of an image: one of Pillow, or a file.

    Raises:
        UserError: There is none, or it is of another kind.
    """
    given: Any = image.image
    if given is None:
        raise UserError(
            f"the image {image.name!r} has no picture",
            hint="give one, or write with with_images=False",
        )
    if isinstance(given, str | Path):
        return Path(given).expanduser()
    told = type(given).__name__
    if isinstance(given, np.ndarray):
        told = f"array of the shape {given.shape} and type {given.dtype}"
        colours = given.shape[2:] in ((), (3,), (4,))
        if given.dtype == np.uint8 and given.ndim in (2, 3) and colours and given.size:
            return Image.fromarray(given)
    elif isinstance(given, Image.Image):
        told = f"image of Pillow's mode {given.mode}"
        if given.mode in _MODES:
            return given
    raise UserError(
        f"the picture of the image {image.name!r} is of the wrong kind: {told}",
        hint="give a file, an RGB image of Pillow, or an array, uint8 [h, w] or [h, w, 3]",
    )


def write_picture(source: Image.Image | Path, file: Path) -> tuple[int, int]:
    """Write or copy a picture; returns (ih, iw), upright.

    Raises:
        UserError: The source is no image.
    """
    if isinstance(source, Path):
        try:
            with Image.open(source) as image:
                size = upright_size(image)
            shutil.copyfile(source, file)
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise UserError(
                f"cannot read this image: {error}",
                where=str(source),
                hint="repair it, or leave it out",
            ) from error
        return size
    source.save(file, format="PNG")
    return source.height, source.width
