"""Superclasses of image labels, as a parameter of methods that read the labels of images."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NONE = "none"


def check_superclasses(setting: object) -> None:
    """Check a method's `superclasses` before any evidence is gathered.

    Args:
        setting: "none"; "wordnet" for the hypernyms of ImageNet's classes in WordNet, where the
            probe set's classes are among these; or a file (docs/reference/methods.md). An image has
            a superclass if it has one of the labels below it.

    Raises:
        ValueError: It is not a string, or empty.
    """
    if not isinstance(setting, str) or not setting:
        raise ValueError('superclasses must be "none", "wordnet" or a file')


def recorded_parameters(method: DataclassInstance) -> dict[str, Any]:
    """Return a method's parameters for the record.

    They are without superclasses where none are used, as in older records. A file of
    superclasses is given by its name; its content decides the fingerprint of masks.
    """
    found = asdict(method)
    setting = found.pop("superclasses")
    return found if setting == NONE else {**found, "superclasses": Path(setting).name}
