"""The part of an image that a network sees: a central square, or the whole image, squashed.

Activation maps are aligned with images and masks, which must therefore show the same part. The
usual transform of classifiers (shorter side to 256, central 224) keeps 7/8 of the side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

    from bench.parts.protocols import Segmenter, Target

HINT = "target.params.input_size=224 target.params.resize=0 shows the network the whole image"


def crop_of(target: Target | Segmenter) -> float:
    """Return the `crop` of `square_view` for what a target or segmenter sees (see `HasView`).

    Returns:
        A share in 0..1; 0 for a target that squashes.

    Raises:
        UserError: The share is unknown or above 1.
    """
    share = getattr(target, "visible_share", 1.0)
    if share is not None and share <= 1.0:
        return 0.0 if getattr(target, "squashes", False) else float(share)
    fault = "the visible part of an image is unknown: the transform of the weights decides it"
    if share is not None:
        fault = f"the network sees {share:.1%} of an image's shorter side, which is more than all"
    raise UserError(fault, where="target", hint=getattr(target, "view_hint", HINT))


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
