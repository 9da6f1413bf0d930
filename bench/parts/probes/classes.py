"""Classes of images as labels of whole images, in place of masks.

Broden labels scenes and textures in the same way. Network Dissection and Compositional Explanations
can therefore run on any images with classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from baselines.spatial import ImageMasks, MaskLabel
from bench.downloads.paths import user_path
from bench.errors import UserError
from bench.parts.checks import check_index, check_mask_size
from bench.parts.probes.image_files import ImageFiles
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.parts.protocols import Fingerprint

CATEGORY = "class"
"""Category of such labels."""

UNKNOWN = -1
MASKS_VERSION = 1
"""Incremented when the labels of some set change."""


@dataclass(frozen=True)
class ClassMasks:
    """Labels of whole images. Fits `baselines.spatial.Masks`.

    Attributes:
        names: Names of the K classes.
        classes: The class of each image, -1 if unknown.
        mask_size: (sh, sw) to which a unit's maps are resized.
    """

    names: tuple[str, ...]
    classes: tuple[int, ...]
    mask_size: tuple[int, int]
    categories: ClassVar[tuple[str, ...]] = (CATEGORY,)

    @cached_property
    def labels(self) -> tuple[MaskLabel, ...]:
        """One label per class, in the order of the classes."""
        return mask_labels(self.names)

    def __len__(self) -> int:
        return len(self.classes)

    def image(self, index: int) -> ImageMasks:
        """Return no plane [0, sh, sw], and the class as the label of the whole image.

        Raises:
            IndexError: There is no such image.
        """
        check_index(index, len(self))
        label = self.classes[index]
        return ImageMasks(
            np.empty((0, *self.mask_size), dtype=np.int32), () if label == UNKNOWN else (label,)
        )


def mask_labels(names: Sequence[str]) -> tuple[MaskLabel, ...]:
    """Return classes as labels of masks."""
    return tuple(MaskLabel(name, CATEGORY) for name in names)


class ClassMasksMixin(ABC):
    """Masks of a probe set with classes. Subclasses are dataclasses.

    Attributes:
        mask_size: Side of the square to which a unit's maps are resized.
    """

    masks_given: ClassVar[str] = "class labels"
    """Kind of the masks, for the record."""

    whole_image_labels: ClassVar[bool] = True
    """Whether labels apply to every part of an image, so that a target may crop it."""

    mask_size: int

    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the K classes."""

    @abstractmethod
    def image_classes(self) -> tuple[int, ...]:
        """Return the class of each image, -1 if unknown."""

    def masks(self, cache: Path) -> ClassMasks:
        """Return the classes as labels of whole images; the cache is not used."""
        return ClassMasks(
            self.class_names(), self._known_classes(), (self.mask_size, self.mask_size)
        )

    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """Return one label per class, whether or not these images show it."""
        self._known_classes()
        return mask_labels(self.class_names())

    def masks_fingerprint(self) -> Fingerprint:
        """Return the names of the classes, and the class of each image."""
        return {
            "kind": "class labels",
            "n": len(self._known_classes()),
            "sha256": sha256_json([self.class_names(), self._known_classes()]),
            "mask_size": self.mask_size,
            "version": MASKS_VERSION,
        }

    def _known_classes(self) -> tuple[int, ...]:
        classes = self.image_classes()
        if max(classes) == UNKNOWN:
            raise UserError(
                "the classes of all images are unknown",
                where="probe.params",
                hint=self._classes_hint(),
            )
        return classes

    def _classes_hint(self) -> str:
        return "choose a probe set with classes or masks"


@dataclass(frozen=True)
class ClassedFiles(ImageFiles, ClassMasksMixin):
    """Image files whose class is known from their folder's name or from a list.

    Attributes:
        mask_size: Side of the square to which a unit's maps are resized, for methods that compare
            them with the classes as labels of whole images.
    """

    mask_size: int = 56

    def __post_init__(self) -> None:
        super().__post_init__()
        check_mask_size(self.mask_size)

    def image_classes(self) -> tuple[int, ...]:
        """Return the class of each image, -1 if unknown."""
        return self._classes

    @cached_property
    def _classes(self) -> tuple[int, ...]:
        return tuple(self._class_of(name) for name in self.files)

    def class_folders(self) -> tuple[str, ...]:
        """Return the name of each class's folder, such as its synset, as in `class_names()`."""
        folders = {number: folder for folder, number in self._class_by_folder.items()}
        return tuple(folders[number] for number in sorted(folders))

    def _class_of(self, name: str) -> int:
        """Return the class of the nearest enclosing folder with one, else that of the list."""
        *above, own = name.split("/")
        for folder in reversed(above):
            if folder in self._class_by_folder:
                return self._class_by_folder[folder]
        return self._class_by_file.get(own, UNKNOWN)

    @property
    @abstractmethod
    def _class_by_folder(self) -> Mapping[str, int]:
        """Classes by the name of a folder."""

    @property
    def _class_by_file(self) -> Mapping[str, int]:
        """Classes by the name of a file, for images outside the folders of classes."""
        return {}

    def _locate(self, given: str, names: Sequence[str]) -> Path | None:
        """Return a file that a parameter gives, else the first of some names in the folder."""
        if given:
            return user_path(given)
        files = (self._root_path / name for name in names)
        return next((file for file in files if file.exists()), None)
