"""Images and labels of a tree to be written, and their checks."""

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
"""A label number for the whole image, or a plane [sh, sw] of label numbers, 0 for none."""

_T = TypeVar("_T")

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class BrodenLabel:
    """One label of a tree to be written.

    Attributes:
        number: Number from 1; at most 65535 if it is used in planes.
        name: Unique name. Published names of colours end in "-c" and of scenes in "-s"; methods
            drop these suffixes.
        category: Category of a label that no image has; for others the images decide.
        synonyms: Other names.
    """

    number: int
    name: str
    category: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class MaskedImage:
    """One image of a tree to be written, with its annotations.

    Attributes:
        name: Path inside `images/` without suffix, such as "val/000001".
        marks: By category, planes and label numbers, the dominant first; or a single one. A plane
            may also be a Pillow mask, whose levels (or palette indices) are label numbers.
        image: The picture: a Pillow image or an array, uint8 [h, w] or [h, w, 3], written as PNG;
            or a file, which is copied; None in a tree without pictures.
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
        UserError: A category is invalid, or a number, name, synonym or category of a label.
    """
    if isinstance(categories, str):
        raise UserError(
            f"categories must be a list, not the text {categories!r}",
            hint=f"pass [{categories!r}]",
        )
    labels, categories = _listed(labels, "labels"), _listed(categories, "categories")
    for category in categories:
        if not is_category(category) or categories.count(category) > 1:
            raise UserError(
                f"invalid or duplicate category {category!r}",
                hint="name each category once, with letters, digits, _, - and spaces",
            )
    numbers: dict[int, BrodenLabel] = {}
    names: dict[str, BrodenLabel] = {}
    for label in labels:
        if not isinstance(label, BrodenLabel):
            raise UserError(
                f"not a BrodenLabel: {label!r}", hint="pass BrodenLabel(number, name, category)"
            )
        if not is_number(label.number) or label.number < 1 or label.number in numbers:
            raise UserError(
                f"label {label.name!r}: invalid or duplicate number {label.number}",
                hint="number the labels from 1, each once",
            )
        why = why_no_label(label.name)
        if why:
            raise UserError(
                f"label {label.number}: invalid name {label.name!r} ({why})",
                hint="name each label in words",
            )
        if label.name in names:
            raise UserError(
                f"labels {names[label.name].number} and {label.number} have the same name "
                f"{label.name!r}",
                hint="use one label; it may have marks in several categories",
            )
        if not isinstance(label.synonyms, list | tuple) or any(
            not isinstance(name, str) or ";" in name for name in label.synonyms
        ):
            raise UserError(
                f"label {label.name!r}: invalid synonyms {label.synonyms!r}",
                hint="pass a list of texts without semicolons",
            )
        if label.category not in categories:
            raise UserError(
                f"label {label.name!r}: unknown category {label.category!r}",
                valid=tuple(categories),
                hint=f"categories: {', '.join(categories)}",
            )
        numbers[label.number] = names[label.name] = label
    if not numbers:
        raise UserError("no labels to write", hint="pass at least one label")
    return labels, categories


def _listed(given: Iterable[_T], what: str) -> list[_T]:
    try:
        return list(given)  # generators can be iterated only once
    except TypeError as error:
        raise UserError(
            f"{what} must be a list, not {type(given).__name__}", hint=f"pass a list of {what}"
        ) from error


def is_number(value: object) -> bool:
    """Return whether a value is an integer of Python or NumPy, and not a bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
