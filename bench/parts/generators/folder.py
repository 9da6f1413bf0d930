"""Images of concepts from a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench.parts.concept_images import ConceptImages, plain_name
from bench.parts.file_params import FileParams
from bench.parts.view import square_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.parts.protocols import Fingerprint

_WHERE = "generator.params.path"


@dataclass(frozen=True)
class FolderGenerator(FileParams):
    """The images of one folder per concept, such as "red car/0.png".

    Names of folders and concepts are compared without case, signs and an article in front. Images
    are cut to their central square.

    Attributes:
        path: The folder of folders.
    """

    summary: ClassVar[str] = "images in one folder per concept"
    config_key = "generator.params"
    reads = (("path", "folder of images"),)

    path: str

    def fingerprint(self) -> Fingerprint:
        """Return names and contents of the images."""
        _ = self._found.names  # raises if there are no folders
        return self._found.probe.fingerprint()

    def load(self, device: str) -> FolderGenerator:
        """Return itself."""
        return self

    def images(self, concept: str, count: int, *, size: int, seed: int) -> NDArray[np.uint8]:
        """Return the first images of a concept; see `baselines.generated.ImageGenerator`."""
        name = re.sub(r"^(an?|the) ", "", plain_name(concept))
        images = [
            np.asarray(square_view(self._found.probe.image(int(at)), 1.0, size))
            for at in self._found.positions(name)[:count]
        ]
        return np.array(images, np.uint8).reshape(-1, size, size, 3)

    @cached_property
    def _found(self) -> ConceptImages:
        return ConceptImages(self.path, _WHERE)
