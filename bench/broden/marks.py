"""What an image of a tree to be written shows, checked and brought to planes and numbers."""

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
"""Pillow's modes with one whole number a pixel."""


def marks_of(image: MaskedImage, tally: Tally, size: tuple[int, int]) -> dict[str, list[Mark]]:
    """The marks of an image by category, each a plane of integers or a label number.

    Args:
        image: The image.
        tally: Knows the labels and the categories.
        size: (sh, sw) that planes must have.

    Raises:
        UserError: It is no `MaskedImage`, a plane has another size or is of no whole numbers, or a
            split, a label or a category is unknown.
    """
    if not isinstance(image, MaskedImage):
        raise UserError(
            f"{image!r} is no masked image", hint="give MaskedImage(name, marks, image)"
        )
    if image.split not in SPLITS:
        raise UserError(
            f"the image {image.name!r} is of the split {image.split!r}",
            valid=SPLITS,
            hint=f"its split is one of: {', '.join(SPLITS)}",
        )
    if not hasattr(image.marks, "items"):
        raise UserError(
            f"the marks of the image {image.name!r} are no mapping: {type(image.marks).__name__}",
            hint='give them by category: {"object": [plane], "scene": [7]}',
        )
    found = {}
    for category, given in image.marks.items():
        if category not in tally.categories:
            raise UserError(
                f"the image {image.name!r} has marks of the category {category!r}",
                valid=tuple(tally.categories),
                hint=f"the categories are: {', '.join(tally.categories)}",
            )
        place = f"the image {image.name!r}, category {category},"
        marks = [_plain(mark, place, size) for mark in _listed(given, place)]
        for mark in marks:
            _check_labels(mark, place, tally)
        found[category] = marks
    return found


def _listed(given: Any, place: str) -> list[Any]:
    """Several marks; one that stands alone is a list of it."""
    if is_number(given) or isinstance(given, Image.Image):
        return [given]
    if isinstance(given, np.ndarray) and given.ndim <= 2:
        return [given]
    if isinstance(given, list | tuple | np.ndarray):
        return list(given)
    raise UserError(
        f"{place} has marks of the type {type(given).__name__}",
        hint="give a list of planes and label numbers",
    )


def _plain(mark: Any, place: str, size: tuple[int, int]) -> Mark:
    if is_number(mark):
        return int(mark)
    if isinstance(mark, Image.Image):
        if mark.mode not in _MASK_MODES:
            raise UserError(
                f"{place} has a mask of Pillow's mode {mark.mode}",
                hint=f"give one whole number a pixel: a mask of mode {', '.join(_MASK_MODES)}, or "
                "an array",
            )
        mark = np.asarray(mark)
    if not isinstance(mark, np.ndarray):
        raise UserError(
            f"{place} has a mark of the type {type(mark).__name__}",
            hint="give a label number, an array of whole numbers, or a mask of Pillow",
        )
    if mark.dtype.kind not in "iu" or mark.shape != size:
        raise UserError(
            f"{place} has a plane of the shape {mark.shape} and type {mark.dtype}",
            hint=f"give whole numbers of the shape {size}",
        )
    return mark


def _check_labels(mark: int | NDArray[np.integer], place: str, tally: Tally) -> None:
    most = MAX_PIXEL if isinstance(mark, np.ndarray) else max(tally.numbers)
    for number in np.unique(mark).tolist():
        if number and (number not in tally.numbers or number > most):
            raise UserError(
                f"{place} has the label {number}",
                hint=f"add it to the labels; planes say numbers up to {MAX_PIXEL}",
            )
