"""Masks and activation maps are laid over each other: both must be of the same part of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.views import CURE

if TYPE_CHECKING:
    from bench.run.parts import Parts

_WHOLE = 1.0


def check_views(parts: Parts) -> None:
    """Refuse a target that sees another part of an image than the masks are of.

    A part may have a `visible_share`: the side of the central square that it looks at as a share of
    the image's shorter side, None where that is not known. Without one it looks at the whole image,
    as a probe's own masks are of; unless these are labels of whole images alone
    (`whole_image_labels`), which hold for any part.

    Raises:
        UserError: The shares differ, or the target's is not known.
    """
    if not parts.uses_masks or getattr(parts.segmented_probe, "whole_image_labels", False):
        return
    masks = _WHOLE
    if parts.segmented_probe is None:
        masks = getattr(parts.segmenter, "visible_share", _WHOLE)
    target = getattr(parts.target, "visible_share", _WHOLE)
    if target is not None and abs(target - masks) < 0.01:
        return
    seen = "a part that its weights' own transform decides" if target is None else f"{target:.1%}"
    cure = CURE
    if parts.segmented_probe is None:
        cure += "; segmenter.params.crop sets the segmenter's share"
    raise UserError(
        f"the masks are of {masks:.1%} of an image's shorter side, and the network sees {seen}: "
        "maps and masks would not lie over each other",
        where="target",
        cure=cure,
    )
