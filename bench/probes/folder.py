"""A folder of images, with classes or flat."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError
from bench.files import sha256_files, sha256_json
from bench.paths import require_folder
from bench.probes.images import DECODER_VERSION, EXTENSIONS, open_rgb
from bench.probes.sizes import check_limit

if TYPE_CHECKING:
    from PIL.Image import Image

    from bench.parts import Fingerprint


@dataclass(frozen=True)
class FolderProbe:
    """All images below a folder, in an order fixed by the hash of their names.

    That order mixes classes, so that a set cut short by `limit` still shows all of them, and a
    smaller set is a prefix of a larger one.

    Attributes:
        path: The folder; images are looked for in it and in all folders below.
        limit: Take this many images at most; all where null.
    """

    summary: ClassVar[str] = "the images of a folder and its sub-folders"

    path: str
    limit: int | None = None

    def __post_init__(self) -> None:
        check_limit(self.limit)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The images' paths inside the folder, with forward slashes, in the set's order.

        Raises:
            UserError: There is no such folder, or no image in it.
        """
        found = _image_names(self._root)
        if not found:
            raise UserError(
                f"no images in {self.path}",
                where="probe.params.path",
                cure=f"looked in all sub-folders for {', '.join(EXTENSIONS)}",
            )
        mixed = sorted(found, key=lambda name: (hashlib.sha256(name.encode()).digest(), name))
        return tuple(mixed[: self.limit])

    @property
    def _root(self) -> Path:
        return require_folder(self.path, "probe.params.path")

    def fingerprint(self) -> Fingerprint:
        """Names, sizes and contents of the images; not where the folder lies."""
        root = self._root
        files = [root / name for name in self.names]
        contents = sha256_files(files)
        listing = [
            [name, file.stat().st_size, content]
            for name, file, content in zip(self.names, files, contents, strict=True)
        ]
        return {
            "kind": "folder",
            "n": len(files),
            "sha256": sha256_json(listing),
            "decoder": DECODER_VERSION,
        }

    def image(self, index: int) -> Image:
        """The image at `index`, RGB, upright.

        Raises:
            UserError: The file is no readable image.
        """
        return open_rgb(Path(self.path).expanduser() / self.names[index])


def _image_names(root: Path) -> list[str]:
    names = []
    visited = set()
    # Class folders are often links; one that leads back up would never end.
    for folder, below, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:
            below.clear()
            continue
        visited.add(real)
        below[:] = sorted(name for name in below if not name.startswith("."))
        here = Path(folder).relative_to(root)
        names += [
            (here / name).as_posix()
            for name in files
            if name.lower().endswith(EXTENSIONS) and not name.startswith(".")
        ]
    return names
