"""Images of concepts from a folder."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench.downloads.paths import require_folder
from bench.errors import UserError
from bench.files import printable, sha256_files
from bench.parts.file_params import FileParams
from bench.parts.probes.images import DECODER_VERSION, EXTENSIONS, open_rgb
from bench.parts.probes.listing import list_images
from bench.parts.view import square_view
from leaderboards.hashing import sha256_json
from metrics.labels import normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.parts.protocols import Fingerprint

_WHERE = "generator.params.path"


@dataclass(frozen=True)
class FolderGenerator(FileParams):
    """The images below one folder per concept, as "red car/0.png", in the order of their names.

    Concepts and folders are compared as labels are (without case, "_" and "-" as blanks), and
    without an article in front. A concept is never used as a path. Images are cut to their central
    square.

    Attributes:
        path: The folder of folders.
    """

    summary: ClassVar[str] = "images in one folder per concept"
    config_key = "generator.params"
    reads = (("path", "folder of images"),)

    path: str

    def fingerprint(self) -> Fingerprint:
        """Return the hash of names and contents of the images."""
        root = require_folder(self.path, _WHERE)
        names = [name for files in self._files.values() for name in files]
        contents = sha256_files([root / name for name in names])
        listing = [
            [printable(name), content] for name, content in zip(names, contents, strict=True)
        ]
        return {
            "kind": "folder",
            "n": len(names),
            "sha256": sha256_json(sorted(listing)),
            "decoder": DECODER_VERSION,
        }

    def load(self, device: str) -> FolderGenerator:
        """Return itself."""
        return self

    def images(self, concept: str, count: int, *, size: int, seed: int) -> NDArray[np.uint8]:
        """Return the first images of a concept; see `baselines.generated.ImageGenerator`."""
        root = require_folder(self.path, _WHERE)
        names = self._files.get(_key(concept), [])[:count]
        pictures = [np.asarray(square_view(open_rgb(root / name), 1.0, size)) for name in names]
        return np.array(pictures, np.uint8).reshape(-1, size, size, 3)

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """Paths of the images inside the folder, sorted, by concept (`_key`)."""
        files: defaultdict[str, list[str]] = defaultdict(list)
        for name in sorted(list_images(require_folder(self.path, _WHERE)).images):
            concept, slash, _ = name.partition("/")
            if slash:
                files[_key(concept)].append(name)
        if not files:
            raise UserError(
                f"there is no folder of a concept in {self.path}",
                where=_WHERE,
                hint=f"put images ({', '.join(EXTENSIONS)}) into one folder per concept",
            )
        return dict(files)


def _key(concept: str) -> str:
    """Return what equal concepts have in common: the name without case and article."""
    return re.sub(r"^(an?|the) ", "", normalise(concept))
