"""Write the picture of an image to a tree."""

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
"""Pillow modes that PNG files store unchanged."""


def picture_of(image: MaskedImage) -> Image.Image | Path:
    """Return the picture of an image: a Pillow image, or a file.

    Raises:
        UserError: There is no picture, or its type is invalid.
    """
    given: Any = image.image
    if given is None:
        raise UserError(
            f"image {image.name!r} has no picture",
            hint="pass one, or use with_images=False",
        )
    if isinstance(given, str | Path):
        return Path(given).expanduser()
    kind = type(given).__name__
    if isinstance(given, np.ndarray):
        kind = f"array of shape {given.shape} and type {given.dtype}"
        colours = given.shape[2:] in ((), (3,), (4,))
        if given.dtype == np.uint8 and given.ndim in (2, 3) and colours and given.size:
            return Image.fromarray(given)
    elif isinstance(given, Image.Image):
        kind = f"Pillow image of mode {given.mode}"
        if given.mode in _MODES:
            return given
    raise UserError(
        f"image {image.name!r}: invalid picture ({kind})",
        hint="pass a file, an RGB image, or an array, uint8 [h, w] or [h, w, 3]",
    )


def write_picture(source: Image.Image | Path, file: Path) -> tuple[int, int]:
    """Write or copy a picture; return its height and width, upright.

    Raises:
        UserError: The source cannot be read.
    """
    if isinstance(source, Path):
        try:
            with Image.open(source) as image:
                size = upright_size(image)
            shutil.copyfile(source, file)
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise UserError(
                f"cannot read the image: {error}",
                where=str(source),
                hint="repair or remove it",
            ) from error
        return size
    source.save(file, format="PNG")
    return source.height, source.width
