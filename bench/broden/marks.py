"""Check the marks of an image to be written, and convert them to planes and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bench.broden.content import MaskedImage, is_number
from bench.broden.layout import MAX_PIXEL, unknown_name
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.broden.content import Mark
    from bench.broden.tally import Tally

_SPLITS = ("train", "val", "test")
_MASK_MODES = ("L", "P", "I", "I;16")
"""Pillow modes with one integer per pixel."""


def marks_of(image: MaskedImage, tally: Tally, size: tuple[int, int]) -> dict[str, list[Mark]]:
    """Return the marks of an image by category, each a plane of integers or a label number.

    Args:
        image: The image.
        tally: Counts with the valid labels and categories.
        size: Size (sh, sw) that planes must have.

    Raises:
        UserError: It is not a `MaskedImage`, a plane has another size or is not of integers, or a
            split, label or category is unknown.
    """
    if not isinstance(image, MaskedImage):
        hint = "pass MaskedImage(name, marks, image)"
        raise UserError(f"not a MaskedImage: {image!r}", hint=hint)
    place = f"image {image.name!r}"
    if image.split not in _SPLITS:
        what = f"{place}: unknown split {image.split!r}"
        raise unknown_name(what, image.split, _SPLITS, kind="splits")
    if not hasattr(image.marks, "items"):
        raise UserError(
            f"{place}: marks must be a mapping, not {type(image.marks).__name__}",
            hint='pass them by category: {"object": [plane], "scene": [7]}',
        )
    found = {}
    for category, given in image.marks.items():
        if category not in tally.categories:
            what = f"{place}: unknown category {category!r}"
            raise unknown_name(what, category, tally.categories)
        marks = [_plain(mark, f"{place}, category {category}", size) for mark in _listed(given)]
        for mark in marks:
            _check_labels(mark, f"{place}, category {category}", tally)
        found[category] = marks
    return found


def _listed(given: Any) -> list[Any]:
    """Return several marks as a list; a single mark becomes a list of one."""
    several = isinstance(given, list | tuple) or (isinstance(given, np.ndarray) and given.ndim > 2)
    return list(given) if several else [given]


def _plain(mark: Any, place: str, size: tuple[int, int]) -> Mark:
    if is_number(mark):
        return int(mark)
    kind = f"type {type(mark).__name__}"
    if isinstance(mark, Image.Image):
        kind = f"a Pillow image of mode {mark.mode}"
        mark = np.asarray(mark) if mark.mode in _MASK_MODES else None
    if not isinstance(mark, np.ndarray):
        raise UserError(
            f"{place}: invalid mark ({kind})",
            hint="pass a label number, an array of integers, or a Pillow mask of mode "
            f"{', '.join(_MASK_MODES)}",
        )
    if mark.dtype.kind not in "iu" or mark.shape != size:
        what = f"{place}: plane of shape {mark.shape} and type {mark.dtype}"
        raise UserError(what, hint=f"pass integers of shape {size}")
    return mark


def _check_labels(mark: Mark, place: str, tally: Tally) -> None:
    most = MAX_PIXEL if isinstance(mark, np.ndarray) else max(tally.numbers)
    for number in np.unique(mark).tolist():
        if number and (number not in tally.numbers or number > most):
            raise UserError(
                f"{place}: unknown label {number}",
                hint=f"add it to the labels; planes store numbers up to {MAX_PIXEL}",
            )
