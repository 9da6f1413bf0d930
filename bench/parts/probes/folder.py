"""A folder of images, with classes or flat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.parts.probes.image_files import ImageFiles


@dataclass(frozen=True)
class FolderProbe(ImageFiles):
    """All images below a folder, without classes; parameters as of `ImageFiles`."""

    summary: ClassVar[str] = "the images of a folder and its sub-folders"

    @property
    def names(self) -> tuple[str, ...]:
        """Same as `files`."""
        return self.files
