"""The part of an image that a segmenter looks at: a square, the one that the target looks at.

Masks and activation maps are laid over each other, so both networks must see the same part of an
image. The usual transform of classifiers (shorter side to 256, central 224) keeps 7/8 of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

CROP = 0.875
"""224 / 256."""


def check_view(crop: float, mask_size: int, input_size: int | None) -> None:
    """Refuse shares and sizes that are none.

    Raises:
        UserError: `crop` is not in 0..1, or a size is below 1.
    """
    if not 0 <= crop <= 1:
        raise UserError(
            f"crop is a share of the image's shorter side, not {crop}",
            where="segmenter.params.crop",
            cure="the target's input_size / resize (224 / 256 = 0.875); 0 squashes the whole image",
        )
    for name, value in (("mask_size", mask_size), ("input_size", input_size)):
        if value is not None and value < 1:
            raise UserError(
                f"{name} is a number of pixels from 1, not {value}",
                where=f"segmenter.params.{name}",
            )


def square_view(image: Image, crop: float, size: int | None = None) -> Image:
    """Cut the central square out of an image, or squash the whole.

    Args:
        image: RGB, any size.
        crop: Side of the square as a share of the shorter side; 0 squashes the whole image.
        size: Side of the result in pixels; where None, that of the square (the longer side where
            squashed).

    Returns:
        A square image, resampled once (bilinear, antialiased).
    """
    from PIL.Image import Resampling

    width, height = image.size
    side = crop * min(width, height)
    across, down = (side, side) if crop else (float(width), float(height))
    left, top = (width - across) / 2, (height - down) / 2
    out = size or max(1, round(max(across, down)))
    box = (left, top, left + across, top + down)
    return image.resize((out, out), Resampling.BILINEAR, box=box)
