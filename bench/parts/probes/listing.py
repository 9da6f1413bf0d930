"""Listing of the image files below a folder."""

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
"""Files of operating systems and of published sets that are not reported."""


class ImageListing(NamedTuple):
    """The files below a folder.

    Attributes:
        images: Paths of the images, with forward slashes, unordered.
        ignored: Numbers of other files, by extension in lower case; without hidden files and those
            of a published set or an operating system.
    """

    images: list[str]
    ignored: Mapping[str, int]


def list_images(root: Path) -> ImageListing:
    """List the images in a folder and in all folders below."""
    images: list[str] = []
    ignored: Counter[str] = Counter()
    visited = set()
    # Class folders are often links, which may form a cycle.
    for folder, below, files in os.walk(root, followlinks=True, onerror=_raise_unreadable):
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
                ignored[Path(name).suffix.lower() or "without extension"] += 1
    return ImageListing(images, ignored)


def ignored_notes(ignored: Mapping[str, int]) -> tuple[str, ...]:
    """Return a sentence on the files that are not images, if there are any."""
    if not ignored:
        return ()
    number = sum(ignored.values())
    often = sorted(ignored, key=lambda ending: (-ignored[ending], ending))
    listed = ", ".join(f"{ignored[ending]:,} {ending}" for ending in often[:_SHOWN])
    more = ", ..." if len(ignored) > _SHOWN else ""
    files = "file" if number == 1 else "files"
    return (f"ignored {number:,} {files} without an image extension: {listed}{more}",)


def _raise_unreadable(error: OSError) -> None:
    """Raise an error, since an unreadable folder would silently reduce the set."""
    raise UserError(
        f"cannot read this folder: {error.strerror}",
        where=str(error.filename),
        hint="grant permission to read it, or remove it",
    ) from error
