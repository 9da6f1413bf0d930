"""Masks and activation maps are laid over each other: both must be of the same part of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.parts.view import crop_of

if TYPE_CHECKING:
    from bench.run.selection import Parts

_WHOLE = 0.0
"""The whole image, squashed to a square (`crop_of`): what a probe's masks are of."""


def check_views(parts: Parts) -> None:
    """Refuse a target that sees another part of an image than the masks are of.

    A probe's own masks are of whole images, unless they are labels of whole images alone
    (`whole_image_labels`), which hold for any part; a segmenter's are of what it looks at. Where a
    probe says that all of its images are square (`square_images`), the central square is the whole.

    Raises:
        UserError: The parts differ, or the target's is not known.
    """
    own = parts.segmented_probe
    if not parts.uses_masks or getattr(own, "whole_image_labels", False):
        return
    assert parts.segmenter is not None or own is not None
    masks = _WHOLE if own is not None else crop_of(parts.segmenter)  # type: ignore[arg-type]
    unknown = getattr(parts.target, "visible_share", 1.0) is None
    target = None if unknown else _seen(parts.target)
    if target is not None:
        if _close(masks, target):
            return
        # Asked last: a tree must be opened for it.
        if _close(masks or 1.0, target or 1.0) and getattr(parts.probe, "square_images", False):
            return
    raise UserError(
        f"the masks are of {_told(masks)}, and the network sees {_told(target)}: "
        "maps and masks would not lie over each other",
        where="target",
        hint=_hint(parts, masks, target),
    )


def _seen(target: object) -> float:
    """As `crop_of`, and above 1 for a target that sees more than there is."""
    if getattr(target, "squashes", False):
        return _WHOLE
    return float(getattr(target, "visible_share", 1.0))


def _close(one: float, other: float) -> bool:
    return abs(one - other) < 0.01


def _told(crop: float | None) -> str:
    if crop is None:
        return "a part that its weights' own transform decides"
    if crop == _WHOLE:
        return "the whole image"
    return f"a central square, whose side is {crop:.1%} of the image's shorter side"


def _hint(parts: Parts, masks: float, target: float | None) -> str:
    """What makes both of the same part."""
    if parts.segmented_probe is None and hasattr(parts.segmenter, "crop"):
        if target is not None and target <= 1:
            return f"segmenter.params.crop={target:.6g} lets the segmenter look at the same part"
        return (
            "target.params.input_size=224 target.params.resize=0 segmenter.params.crop=0 shows "
            "both the whole image"
        )
    if not hasattr(parts.target, "squashes"):
        return "choose a probe set of square images, or a target whose transform can be set"
    size = getattr(parts.target, "input_size", None) or 224
    resize = round(size / masks) if masks else 0
    part = "the whole image" if masks == _WHOLE else "the same part"
    return f"target.params.input_size={size} target.params.resize={resize} shows the network {part}"
