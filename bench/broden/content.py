"""What a tree to be written is made of, and whether it fits together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.broden.layout import is_category, why_no_label
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from PIL.Image import Image

Mark = int | NDArray[np.integer]
"""A label number for the whole image, or a plane [sh, sw] of numbers, 0 for none."""

_T = TypeVar("_T")

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class BrodenLabel:
    """One label of a tree to be written.

    Attributes:
        number: From 1; up to 65535 where masks are to say it.
        name: Of its own. Published names of colours end in "-c", those of scenes in "-s", which
            methods do not say.
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
        marks: By category: planes and label numbers, the dominant first; or one of them. A plane
            may also be a mask of Pillow, whose levels (or palette's numbers) are label numbers.
        image: The picture: an image of Pillow or an array, uint8 [h, w] or [h, w, 3], written as
            PNG; or a file, which is copied; None in a tree of masks alone.
        split: "train", "val" or "test".
    """

    name: str
    marks: Mapping[str, Sequence[Mark | Image] | Mark | Image] = field(default_factory=dict)
    image: Image | NDArray[np.uint8] | Path | str | None = None
    split: str = "val"


def check_words(
    labels: Iterable[BrodenLabel], categories: Iterable[str]
) -> tuple[list[BrodenLabel], list[str]]:
    """Check labels and categories, and return them as lists.

    Raises:
        UserError: A category cannot be written, or a number, name, synonym or category of a label
            is wrong.
    """
    if isinstance(categories, str):
        raise UserError(
            f"{categories!r} is one text and no list of categories", hint=f"give [{categories!r}]"
        )
    labels, categories = _listed(labels, "labels"), _listed(categories, "categories")
    for category in categories:
        if not is_category(category) or categories.count(category) > 1:
            raise UserError(
                f"{category!r} cannot name a category, or does so twice",
                hint="a category is named by letters, digits, _, - and blanks, once",
            )
    numbers: dict[int, BrodenLabel] = {}
    names: dict[str, BrodenLabel] = {}
    for label in labels:
        if not isinstance(label, BrodenLabel):
            raise UserError(
                f"{label!r} is no label", hint="give BrodenLabel(number, name, category)"
            )
        if not is_number(label.number) or label.number < 1 or label.number in numbers:
            raise UserError(
                f"the label {label.name!r} has the number {label.number}: no whole number from 1, "
                "or taken",
                hint="number the labels from 1, each differently",
            )
        why = why_no_label(label.name)
        if why:
            raise UserError(
                f"the label {label.number} has the name {label.name!r}: {why}",
                hint="give each label a name in words",
            )
        if label.name in names:
            raise UserError(
                f"the labels {names[label.name].number} and {label.number} are both called "
                f"{label.name!r}",
                hint="name each label once; a label may have marks in several categories",
            )
        if not isinstance(label.synonyms, list | tuple) or any(
            not isinstance(name, str) or ";" in name for name in label.synonyms
        ):
            raise UserError(
                f"the label {label.name!r} has the synonyms {label.synonyms!r}",
                hint="give a list of texts without semicolons",
            )
        if label.category not in categories:
            raise UserError(
                f"the label {label.name!r} is of the category {label.category!r}",
                valid=tuple(categories),
                hint=f"the categories are: {', '.join(categories)}",
            )
        numbers[label.number] = names[label.name] = label
    if not numbers:
        raise UserError("there is no label to write", hint="give one at least")
    return labels, categories


def _listed(given: Iterable[_T], what: str) -> list[_T]:
    try:
        return list(given)  # of a generator, which could be gone through only once
    except TypeError as error:
        raise UserError(
            f"the {what} are of the type {type(given).__name__}", hint=f"give a list of {what}"
        ) from error


def is_number(value: object) -> bool:
    """Whether a value is a whole number, of Python or numpy; a truth value is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
