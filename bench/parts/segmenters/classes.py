"""Classes of a network as labels of masks. Needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.spatial import MaskLabel
from bench.downloads.paths import read_text
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE_NAMES = frozenset({"background", "__background__"})
"""Names of the class of unlabelled pixels, in lower case."""


def is_none(name: str) -> bool:
    """Return whether a class of this name is the background."""
    return name.strip().lower() in NONE_NAMES


def class_labels(names: Sequence[str], category: str) -> tuple[MaskLabel, ...]:
    """Return the labels of a network's classes, in their order, without the background."""
    return tuple(MaskLabel(name, category) for name in names if not is_none(name))


def class_positions(names: Sequence[str]) -> tuple[int, ...]:
    """Return each class's position in `class_labels`; -1 for the background."""
    found, position = [], 0
    for name in names:
        found.append(-1 if is_none(name) else position)
        position += not is_none(name)
    return tuple(found)


def read_names(path: str, where: str) -> tuple[str, ...]:
    """Read class names, one per line, in the order of the network's outputs.

    Args:
        path: As in the config.
        where: Its config key, for messages.

    Raises:
        UserError: The file is missing, not text, empty, or has a blank line, which would shift all
            later names if it were skipped.
    """
    lines = [line.strip() for line in read_text(path, where).rstrip("\n").split("\n")]
    for number, line in enumerate(lines, start=1):
        if not line:
            raise UserError(
                "this line names no class",
                where=f"{path}:{number}",
                hint="give one name per line; the class of unlabelled pixels is called background",
            )
    return tuple(lines)
