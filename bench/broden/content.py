"""Images and labels of a tree to be written, and the check of its labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.broden.layout import CATEGORY_RULE, is_category, unknown_name, why_no_label
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from PIL.Image import Image

Mark = int | NDArray[np.integer]
"""A label number for the whole image, or a plane [sh, sw] of label numbers, 0 for none."""

_T = TypeVar("_T")


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


def check_labels(
    labels: Iterable[BrodenLabel], categories: Iterable[str]
) -> tuple[list[BrodenLabel], list[str]]:
    """Check labels and categories, and return them as lists.

    Raises:
        UserError: A category is invalid, or a number, name, synonym or category of a label.
    """
    labels, categories = _listed(labels, "labels"), _listed(categories, "categories")
    for category in categories:
        if not is_category(category) or categories.count(category) > 1:
            raise UserError(f"invalid or duplicate category {category!r}", hint=CATEGORY_RULE)
    numbers: set[int] = set()
    names: dict[str, int] = {}
    for label in labels:
        what = hint = ""
        if not isinstance(label, BrodenLabel):
            what, hint = f"not a BrodenLabel: {label!r}", "pass BrodenLabel(number, name, category)"
        elif not is_number(label.number) or label.number < 1 or label.number in numbers:
            what = f"label {label.name!r}: invalid or duplicate number {label.number}"
            hint = "number the labels from 1, each once"
        elif why := why_no_label(label.name):
            what = f"label {label.number}: invalid name {label.name!r} ({why})"
            hint = "name each label in words"
        elif label.name in names:
            both = f"{names[label.name]} and {label.number}"
            what = f"labels {both} have the same name {label.name!r}"
            hint = "use one label; it may have marks in several categories"
        elif not isinstance(label.synonyms, list | tuple) or any(
            not isinstance(name, str) or ";" in name for name in label.synonyms
        ):
            what = f"label {label.name!r}: invalid synonyms {label.synonyms!r}"
            hint = "pass a list of texts without semicolons"
        if what:
            raise UserError(what, hint=hint)
        if label.category not in categories:
            what = f"label {label.name!r}: unknown category {label.category!r}"
            raise unknown_name(what, label.category, categories)
        numbers.add(label.number)
        names[label.name] = label.number
    if not labels:
        raise UserError("no labels to write", hint="pass at least one label")
    return labels, categories


def _listed(given: Iterable[_T], what: str) -> list[_T]:
    try:
        if not isinstance(given, str):
            return list(given)  # generators can be iterated only once
    except TypeError:
        pass
    raise UserError(
        f"{what} must be a list, not {type(given).__name__}", hint=f"pass a list of {what}"
    )


def is_number(value: object) -> bool:
    """Return whether a value is an integer of Python or NumPy, and not a bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
