"""The part of an image that a segmenter looks at: the one that the target looks at, as settings."""

from __future__ import annotations

from bench.errors import UserError

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
            hint="the target's input_size / resize (224 / 256 = 0.875); 0 squashes the whole image",
        )
    for name, value in (("mask_size", mask_size), ("input_size", input_size)):
        if value is not None and value < 1:
            raise UserError(
                f"{name} is a number of pixels from 1, not {value}",
                where=f"segmenter.params.{name}",
            )
