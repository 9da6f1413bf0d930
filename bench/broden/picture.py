"""Write the picture of an image to a tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.broden.plane import write_png
from bench.broden.shapes import upright_size
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.broden.content import MaskedImage

_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
"""Pillow modes that PNG files store unchanged."""


def write_picture(image: MaskedImage, file: Path) -> tuple[int, int]:
    """Write or copy the picture of an image; return its height and width, upright.

    Raises:
        UserError: There is no picture, its type is invalid, or its file cannot be read.
    """
    given: Any = image.image
    if isinstance(given, str | Path):
        try:
            with Image.open(Path(given).expanduser()) as opened:
                size = upright_size(opened)
            content = Path(given).expanduser().read_bytes()
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise UserError(
                f"cannot read the image: {error}", where=str(given), hint="repair or remove it"
            ) from error
        file.write_bytes(content)
        return size
    kind = f"type {type(given).__name__}"
    if isinstance(given, np.ndarray):
        kind = f"array of shape {given.shape} and type {given.dtype}"
        colours = given.shape[2:] in ((), (3,), (4,))
        if given.dtype == np.uint8 and given.ndim in (2, 3) and colours and given.size:
            given = Image.fromarray(given)
    elif isinstance(given, Image.Image):
        kind = f"Pillow image of mode {given.mode}"
    if not isinstance(given, Image.Image) or given.mode not in _MODES:
        raise UserError(
            f"image {image.name!r} has no picture"
            if given is None
            else f"image {image.name!r}: invalid picture ({kind})",
            hint="pass a file, an RGB image, or an array, uint8 [h, w] or [h, w, 3]; or use "
            "with_images=False",
        )
    write_png(given, file)
    return given.height, given.width
