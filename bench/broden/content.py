"""What a tree to be written is made of, and whether it fits together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.broden.layout import MAX_PIXEL, is_category
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from PIL.Image import Image

    from bench.broden.tally import Tally

Mark = int | NDArray[np.integer]
"""A label number for the whole image, or a plane [sh, sw] of numbers, 0 for none."""


@dataclass(frozen=True)
class BrodenLabel:
    """One label of a tree to be written.

    Attributes:
        number: From 1; up to 65535 where masks are to say it.
        name: Published names of colours end in "-c", those of scenes in "-s".
        category: Where it is listed as long as no image has it; else the images decide.
        synonyms: Other names.
    """

    number: int
    name: str
    category: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class MaskedImage:
    """One image of a tree to be written, with what it shows.

    Attributes:
        name: Its path inside `images/` without an ending, such as "val/000001".
        marks: By category: planes and label numbers, the dominant first.
        image: The picture, written as PNG; or a file, which is copied; None in a tree of masks
            alone.
        split: "train" or "val".
    """

    name: str
    marks: Mapping[str, Sequence[Mark]] = field(default_factory=dict)
    image: Image | Path | None = None
    split: str = "val"


def check_words(labels: Sequence[BrodenLabel], categories: Sequence[str]) -> None:
    """Check labels and categories.

    Raises:
        UserError: A category cannot be written, or a number or category of a label is wrong.
    """
    for category in categories:
        if not is_category(category) or list(categories).count(category) > 1:
            raise UserError(
                f"{category!r} cannot name a category, or does so twice",
                cure="a category is named by letters, digits, _, - and blanks, once",
            )
    numbers = set()
    for label in labels:
        if label.number < 1 or label.number in numbers:
            raise UserError(
                f"the label {label.name!r} has the number {label.number}: below 1, or taken",
                cure="number the labels from 1, each differently",
            )
        if label.category not in categories:
            raise UserError(
                f"the label {label.name!r} is of the category {label.category!r}",
                valid=tuple(categories),
                cure=f"the categories are: {', '.join(categories)}",
            )
        numbers.add(label.number)
    if not numbers:
        raise UserError("there is no label to write", cure="give one at least")


def check_marks(image: MaskedImage, tally: Tally, size: tuple[int, int]) -> None:
    """Check what an image shows.

    Args:
        image: The image.
        tally: Knows the labels and the categories.
        size: (sh, sw) that planes must have.

    Raises:
        UserError: A plane has another size or is no array of integers, or a label or a category is
            unknown.
    """
    for category, marks in image.marks.items():
        if category not in tally.categories:
            raise UserError(
                f"the image {image.name!r} has marks of the category {category!r}",
                valid=tuple(tally.categories),
                cure=f"the categories are: {', '.join(tally.categories)}",
            )
        for mark in marks:
            most = MAX_PIXEL if isinstance(mark, np.ndarray) else max(tally.numbers)
            if isinstance(mark, np.ndarray) and (mark.dtype.kind not in "iu" or mark.shape != size):
                raise UserError(
                    f"a plane of the image {image.name!r}, category {category}, is of the shape "
                    f"{mark.shape} and type {mark.dtype}",
                    cure=f"give whole numbers of the shape {size}",
                )
            for number in np.unique(mark).tolist():
                if number and (number not in tally.numbers or number > most):
                    raise UserError(
                        f"the image {image.name!r}, category {category}, has the label {number}",
                        cure=f"add it to the labels; planes say numbers up to {MAX_PIXEL}",
                    )
