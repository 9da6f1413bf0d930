"""Check the marks of an image to be written, and convert them to planes and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bench.broden.content import SPLITS, MaskedImage, is_number
from bench.broden.layout import MAX_PIXEL
from bench.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.broden.content import Mark
    from bench.broden.tally import Tally

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
        raise UserError(
            f"not a MaskedImage: {image!r}", hint="pass MaskedImage(name, marks, image)"
        )
    if image.split not in SPLITS:
        raise UserError(
            f"image {image.name!r}: unknown split {image.split!r}",
            valid=SPLITS,
            hint=f"splits: {', '.join(SPLITS)}",
        )
    if not hasattr(image.marks, "items"):
        raise UserError(
            f"image {image.name!r}: marks must be a mapping, not {type(image.marks).__name__}",
            hint='pass them by category: {"object": [plane], "scene": [7]}',
        )
    found = {}
    for category, given in image.marks.items():
        if category not in tally.categories:
            raise UserError(
                f"image {image.name!r}: unknown category {category!r}",
                valid=tuple(tally.categories),
                hint=f"categories: {', '.join(tally.categories)}",
            )
        place = f"image {image.name!r}, category {category}"
        marks = [_plain(mark, place, size) for mark in _listed(given, place)]
        for mark in marks:
            _check_labels(mark, place, tally)
        found[category] = marks
    return found


def _listed(given: Any, place: str) -> list[Any]:
    """Return several marks as a list; a single mark becomes a list of one."""
    if is_number(given) or isinstance(given, Image.Image):
        return [given]
    if isinstance(given, np.ndarray) and given.ndim <= 2:
        return [given]
    if isinstance(given, list | tuple | np.ndarray):
        return list(given)
    raise UserError(
        f"{place}: marks of type {type(given).__name__}",
        hint="pass a list of planes and label numbers",
    )


def _plain(mark: Any, place: str, size: tuple[int, int]) -> Mark:
    if is_number(mark):
        return int(mark)
    if isinstance(mark, Image.Image):
        if mark.mode not in _MASK_MODES:
            raise UserError(
                f"{place}: mask of Pillow mode {mark.mode}",
                hint="pass one integer per pixel: an array, or a mask of mode "
                f"{', '.join(_MASK_MODES)}",
            )
        mark = np.asarray(mark)
    if not isinstance(mark, np.ndarray):
        raise UserError(
            f"{place}: mark of type {type(mark).__name__}",
            hint="pass a label number, an array of integers, or a Pillow mask",
        )
    if mark.dtype.kind not in "iu" or mark.shape != size:
        raise UserError(
            f"{place}: plane of shape {mark.shape} and type {mark.dtype}",
            hint=f"pass integers of shape {size}",
        )
    return mark


def _check_labels(mark: int | NDArray[np.integer], place: str, tally: Tally) -> None:
    most = MAX_PIXEL if isinstance(mark, np.ndarray) else max(tally.numbers)
    for number in np.unique(mark).tolist():
        if number and (number not in tally.numbers or number > most):
            raise UserError(
                f"{place}: unknown label {number}",
                hint=f"add it to the labels; planes store numbers up to {MAX_PIXEL}",
            )
