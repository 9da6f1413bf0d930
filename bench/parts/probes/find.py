"""Image files below a folder, and how many other files lie among them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import UserError
from bench.parts.probes.images import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 5
_COMPANIONS = frozenset(
    {
        "Thumbs.db", "desktop.ini",
        "val_annotations.txt", "wnids.txt", "words.txt",
        "ILSVRC2012_devkit_t12.tar.gz",
        "places365_val.txt", "filelist_places365-standard.tar",
    }
)  # fmt: skip
"""Files that lie beside images without being of the set: of systems, and of published sets."""


class Found(NamedTuple):
    """What lies below a folder.

    Attributes:
        images: Paths of the images, with forward slashes, in no particular order.
        aside: How many other files there are, by ending in lower case; hidden ones, and those that
            belong to a published set or an operating system, are not counted.
    """

    images: list[str]
    aside: Mapping[str, int]


def find_images(root: Path) -> Found:
    """Look for images in a folder and in all folders below."""
    images: list[str] = []
    aside: Counter[str] = Counter()
    visited = set()
    # Class folders are often links; one that leads back up would never end.
    for folder, below, files in os.walk(root, followlinks=True, onerror=_refuse_unreadable):
        real = os.path.realpath(folder)
        if real in visited:
            below.clear()
            continue
        visited.add(real)
        below[:] = sorted(name for name in below if not name.startswith("."))
        here = Path(folder).relative_to(root)
        for name in files:
            if name.startswith("."):
                continue
            if name.lower().endswith(EXTENSIONS):
                images.append((here / name).as_posix())
            elif name not in _COMPANIONS:
                aside[Path(name).suffix.lower() or "without an ending"] += 1
    return Found(images, aside)


def aside_notes(aside: Mapping[str, int]) -> tuple[str, ...]:
    """One sentence on the files whose ending is no image's, if there are any."""
    if not aside:
        return ()
    number = sum(aside.values())
    often = sorted(aside, key=lambda ending: (-aside[ending], ending))
    listed = ", ".join(f"{aside[ending]:,} {ending}" for ending in often[:_SHOWN])
    more = ", ..." if len(aside) > _SHOWN else ""
    what = (
        "file that is no image by its ending"
        if number == 1
        else ("files that are no images by their endings")
    )
    return (f"left aside {number:,} {what}: {listed}{more}",)


def _refuse_unreadable(error: OSError) -> None:
    """A folder that may not be read would make the set smaller without a word."""
    raise UserError(
        f"cannot read this folder: {error.strerror}",
        where=str(error.filename),
        hint="give yourself the right to read it, or take it out",
    ) from error
