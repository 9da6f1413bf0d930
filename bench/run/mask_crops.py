"""Check that masks and activation maps, which methods compare, show the same part of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.parts.view import crop_of

if TYPE_CHECKING:
    from bench.run.selection import Selection

_WHOLE = 0.0
"""The whole image, squashed to a square (`crop_of`): what a probe set's masks show."""


def check_mask_crops(selection: Selection) -> None:
    """Refuse a target that sees another part of an image than the masks show.

    A probe set's own masks show whole images, unless they label whole images only
    (`whole_image_labels`), which holds for any part; a segmenter's masks show what it sees. The
    central square is the whole image where all images are square (`square_images`).

    Raises:
        UserError: The parts differ, or the target's part is unknown.
    """
    own = selection.segmented_probe
    if not selection.uses_masks or getattr(own, "whole_image_labels", False):
        return
    assert selection.segmenter is not None or own is not None
    masks = _WHOLE if own is not None else crop_of(selection.segmenter)  # type: ignore[arg-type]
    unknown = getattr(selection.target, "visible_share", 1.0) is None
    target = None if unknown else _seen(selection.target)
    if target is not None:
        if _close(masks, target):
            return
        # Last, because the probe set must be opened for it.
        if _close(masks or 1.0, target or 1.0) and getattr(selection.probe, "square_images", False):
            return
    raise UserError(
        f"the masks show {_describe(masks)}, and the network sees {_describe(target)}: "
        "maps and masks would not match",
        where="target",
        hint=_hint(selection, masks, target),
    )


def _seen(target: object) -> float:
    """Return the side of the part that a target sees, as `crop_of`; above 1 if it pads images."""
    if getattr(target, "squashes", False):
        return _WHOLE
    return float(getattr(target, "visible_share", 1.0))


def _close(one: float, other: float) -> bool:
    return abs(one - other) < 0.01


def _describe(crop: float | None) -> str:
    if crop is None:
        return "a part that the transform of its weights decides"
    if crop == _WHOLE:
        return "the whole image"
    return f"a central square, whose side is {crop:.1%} of the image's shorter side"


def _hint(selection: Selection, masks: float, target: float | None) -> str:
    """Return settings with which both show the same part."""
    if own := getattr(selection.target, "view_hint", ""):
        return str(own)
    if selection.segmented_probe is None and hasattr(selection.segmenter, "crop"):
        if target is not None and target <= 1:
            return f"segmenter.params.crop={target:.6g} lets the segmenter look at the same part"
        return (
            "target.params.input_size=224 target.params.resize=0 segmenter.params.crop=0 shows "
            "both the whole image"
        )
    if not hasattr(selection.target, "squashes"):
        return "choose a probe set of square images, or a target whose transform can be set"
    size = getattr(selection.target, "input_size", None) or 224
    resize = round(size / masks) if masks else 0
    part = "the whole image" if masks == _WHOLE else "the same part"
    return f"target.params.input_size={size} target.params.resize={resize} shows the network {part}"
