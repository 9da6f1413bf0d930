"""A probe set of names: images whose activations and embeddings are in files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.paths import require_folder
from bench.downloads.requirements import unmet_path
from bench.errors import UserError
from bench.files import sha256_files
from bench.parts.array_files import unmet_array
from bench.parts.checks import check_index
from bench.parts.image_names import read_texts
from bench.parts.probes.images import DECODER_VERSION, open_rgb
from bench.parts.probes.validation import require_known_range
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint


@dataclass(frozen=True)
class PrecomputedProbe:
    """Images by name, in the order of rows of arrays; their pixels are optional.

    Attributes:
        names: Names of the images: a text file, one per line, or PATH::NAME of an array of texts.
        classes: The class of each image, in the same form; empty if unknown.
        images: The folder in which the names are paths of image files; empty where no part of the
            run looks at images.
    """

    summary: ClassVar[str] = "names of images whose activations and embeddings are in files"

    names: str
    classes: str = ""
    images: str = ""

    def __len__(self) -> int:
        return len(self.files)

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the images."""
        return self._names

    @property
    def has_images(self) -> bool:
        """Whether there are images to look at."""
        return bool(self.images)

    def fingerprint(self) -> Fingerprint:
        """Return the names, and the content of the images where they are given."""
        names = {"kind": "precomputed", "n": len(self), "names": sha256_json(list(self.files))}
        if not self.images:
            return names
        files = self._image_files
        require_known_range(files)
        try:
            contents = sha256_files(files)
        except OSError as error:
            raise UserError(
                f"cannot read this image: {error.strerror}",
                where=str(error.filename),
                hint="names are paths inside probe.params.images",
            ) from error
        return {**names, "sha256": sha256_json(contents), "decoder": DECODER_VERSION}

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the missing files."""
        return (
            *unmet_array(self.names, "list of image names", "probe.params.names"),
            *unmet_array(self.classes, "list of classes", "probe.params.classes"),
            *unmet_path(self.images, "folder of images", "probe.params.images"),
        )

    def image(self, index: int) -> Image:
        """Return the RGB image at `index`.

        Raises:
            IndexError: There is no such image.
            UserError: No folder of images is given, or the file cannot be read.
        """
        check_index(index, len(self))
        if not self.images:
            raise UserError(
                "the probe set has names of images, and no images",
                where="probe.params.images",
                hint="give the folder of the images",
            )
        return open_rgb(self._image_files[index])

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, sorted; none where classes are unknown."""
        return tuple(sorted(set(self._classes)))

    def image_classes(self) -> Sequence[int]:
        """Return each image's position in `class_names()`; -1 where classes are unknown."""
        rows = {name: row for row, name in enumerate(self.class_names())}
        return [rows[name] for name in self._classes] or [-1] * len(self)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return read_texts(self.names, "probe.params.names")

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        classes = read_texts(self.classes, "probe.params.classes") if self.classes else ()
        if classes and len(classes) != len(self):
            raise UserError(
                f"{self.classes} has {len(classes):,} classes, and there are {len(self):,} images",
                where="probe.params.classes",
                hint="give one class per image, in the order of the names",
            )
        return classes

    @cached_property
    def _image_files(self) -> list[Path]:
        folder = require_folder(self.images, "probe.params.images")
        return [folder / name for name in self.files]
