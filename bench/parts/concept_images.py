"""Images of concepts, in a folder with one folder of images for each concept.

Somebody collected the images, or a generator made them. Folders are listed, and their names are
compared with concepts; a concept is never made a part of a path.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import UserError
from bench.parts.probes.class_folder import ClassFolderProbe
from bench.parts.probes.images import HINT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from PIL.Image import Image

    from bench.parts.protocols import Fingerprint


def plain_name(text: str) -> str:
    """Return a name's words in lower case: "Street/Road" and "street_road" give "street road"."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(words)


class _ConceptFiles(ClassFolderProbe):
    """The images of a folder for each concept, which has no setting that skips images."""

    def fingerprint(self) -> Fingerprint:
        """Return names, sizes and contents of the images, for any folder."""
        with _no_skipping():
            return super().fingerprint()

    def image(self, index: int) -> Image:
        """Return the RGB image at `index`, upright."""
        with _no_skipping():
            return super().image(index)


@contextmanager
def _no_skipping() -> Iterator[None]:
    """Do not suggest the setting of probe sets that skips unreadable images."""
    try:
        yield
    except UserError as error:
        if error.hint == HINT:
            error.hint = "repair it, or remove it from the folder"
        raise


@dataclass(frozen=True)
class ConceptImages:
    """A folder with one folder of images for each concept.

    Attributes:
        path: The folder; each folder in it has the name of a concept, in any case and with any
            signs between its words.
        where: The setting of the path, for messages.
    """

    path: str
    where: str = "path"

    @cached_property
    def probe(self) -> ClassFolderProbe:
        """All images, sorted by folder and name.

        Raises:
            UserError: The path is not a folder, or holds no folders of images.
        """
        probe = _ConceptFiles(path=self.path)
        try:
            probe.class_names()
        except UserError as error:
            if error.where == "probe.params.path":
                error.where = self.where
            raise
        return probe

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The plain names of the concepts, in the order of their folders.

        Raises:
            UserError: There are no folders of images, or two of them have the same plain name.
        """
        first: dict[str, str] = {}
        for folder in self.probe.class_names():
            name = plain_name(folder)
            if name in first:
                raise UserError(
                    f"the folders {first[name]!r} and {folder!r} name the same concept",
                    where=self.where,
                    hint="put their images into one folder",
                )
            first[name] = folder
        return tuple(first)

    def positions(self, concept: str) -> NDArray[np.int64]:
        """Return where the images of a concept are in `probe`; none for another concept."""
        return self._positions.get(plain_name(concept), np.empty(0, np.int64))

    @cached_property
    def _positions(self) -> Mapping[str, NDArray[np.int64]]:
        classes = np.asarray(self.probe.image_classes())
        return {name: np.flatnonzero(classes == at) for at, name in enumerate(self.names)}
