"""A network's classes as labels of masks; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.spatial import MaskLabel
from bench.downloads.paths import read_text
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE_NAMES = frozenset({"background", "__background__"})
"""Names of classes that stand for "nothing that has a name", in lower case."""


def is_none(name: str) -> bool:
    """Whether a class of this name marks nothing."""
    return name.strip().lower() in NONE_NAMES


def class_labels(names: Sequence[str], category: str) -> tuple[MaskLabel, ...]:
    """The labels of a network's classes, in their order, without those that mark nothing."""
    return tuple(MaskLabel(name, category) for name in names if not is_none(name))


def class_positions(names: Sequence[str]) -> tuple[int, ...]:
    """Position of each class in `class_labels`; -1 where it marks nothing."""
    found, position = [], 0
    for name in names:
        found.append(-1 if is_none(name) else position)
        position += not is_none(name)
    return tuple(found)


def read_names(path: str, where: str) -> tuple[str, ...]:
    """Read class names, one a line, in the order of the network's outputs.

    Args:
        path: As the user wrote it.
        where: The field that it was given in, for messages.

    Raises:
        UserError: The file is missing, no text, empty, or has a blank line: leaving that out would
            shift all names after it.
    """
    lines = [line.strip() for line in read_text(path, where).rstrip("\n").split("\n")]
    for number, line in enumerate(lines, start=1):
        if not line:
            raise UserError(
                "this line names no class",
                where=f"{path}:{number}",
                hint="give one name a line; a class that marks nothing is called background",
            )
    return tuple(lines)
