"""What is known of images' classes: a label of each whole image, in the place of masks.

Broden says of scenes and textures what stands here of classes: the whole image is one. So Network
Dissection and Compositional Explanations run on any labelled images.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from baselines.spatial import ImageMasks, MaskLabel
from bench.errors import UserError
from bench.parts.probes.image_files import ImageFiles
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.parts.protocols import Fingerprint

CATEGORY = "class"
"""The one category of such labels."""

UNKNOWN = -1
MASKS_VERSION = 1
"""Raised when the labels of some set come out otherwise."""


@dataclass(frozen=True)
class ClassMasks:
    """Labels of whole images. Fits `baselines.spatial.Masks`.

    Attributes:
        names: Of the K classes.
        classes: The class of each image, -1 where it is not known.
        mask_size: (sh, sw) to which a unit's maps are brought.
    """

    names: tuple[str, ...]
    classes: tuple[int, ...]
    mask_size: tuple[int, int]
    categories: ClassVar[tuple[str, ...]] = (CATEGORY,)

    @cached_property
    def labels(self) -> tuple[MaskLabel, ...]:
        """One label a class, in the order of the classes."""
        return mask_labels(self.names)

    def __len__(self) -> int:
        return len(self.classes)

    def image(self, index: int) -> ImageMasks:
        """No plane [0, sh, sw], and the class as the one label of the whole image.

        Raises:
            IndexError: There is no such image.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        label = self.classes[index]
        return ImageMasks(
            np.empty((0, *self.mask_size), dtype=np.int32), () if label == UNKNOWN else (label,)
        )


def mask_labels(names: Sequence[str]) -> tuple[MaskLabel, ...]:
    """Classes as labels of masks."""
    return tuple(MaskLabel(name, CATEGORY) for name in names)


class WithClasses(ABC):
    """A probe set of known classes, whose masks are these.

    Who takes it over is a dataclass with a field `mask_size` (the side of the square to which a
    unit's maps are brought) and has `class_names` and `image_classes`.
    """

    masks_given: ClassVar[str] = "class labels"
    """What a method that asks for masks is given, for the record."""

    whole_image_labels: ClassVar[bool] = True
    """Whether its labels hold for any part of an image, so that a target may crop."""

    mask_size: int

    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """Names of the K classes."""

    @abstractmethod
    def image_classes(self) -> tuple[int, ...]:
        """Class of each image, -1 where it is not known."""

    def masks(self, cache: Path) -> ClassMasks:
        """The classes as labels of whole images; nothing is kept in the cache.

        Raises:
            UserError: No image's class is known.
        """
        return ClassMasks(
            self.class_names(), self._known_classes(), (self.mask_size, self.mask_size)
        )

    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """One label a class, whether or not these images show it.

        Raises:
            UserError: No image's class is known.
        """
        self._known_classes()
        return mask_labels(self.class_names())

    def masks_fingerprint(self) -> Fingerprint:
        """Names of the classes, and which image is of which.

        Raises:
            UserError: No image's class is known.
        """
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
                "it is not known of any of these images what class it is of",
                where="probe.params",
                hint=self._where_classes_come_from(),
            )
        return classes

    def _where_classes_come_from(self) -> str:
        return "choose a probe set with classes or masks"


def check_mask_size(size: int) -> None:
    """Refuse masks of no pixels.

    Raises:
        UserError: The size is below 1.
    """
    if size < 1:
        raise UserError(
            f"masks of {size} pixels a side are empty",
            where="probe.params.mask_size",
            hint="give a number from 1; Broden's masks have 112",
        )


@dataclass(frozen=True)
class ClassedFiles(ImageFiles, WithClasses):
    """Images in files, of which their folder's name or a list says what class they are of.

    Attributes:
        path: As of `ImageFiles`, and so are `limit` and `on_error`.
        mask_size: Side of the square to which a unit's maps are brought, where a method that asks
            for masks is given the classes: they are labels of whole images.
    """

    mask_size: int = 56

    def __post_init__(self) -> None:
        super().__post_init__()
        check_mask_size(self.mask_size)

    def image_classes(self) -> tuple[int, ...]:
        """Class of each image, -1 where it is not known."""
        return self._classes

    @cached_property
    def _classes(self) -> tuple[int, ...]:
        return tuple(self._class_of(name) for name in self.files)

    def _class_of(self, name: str) -> int:
        """The class by the nearest folder that names one, else by the list of files."""
        *above, own = name.split("/")
        for folder in reversed(above):
            if folder in self._by_folder:
                return self._by_folder[folder]
        return self._by_file.get(own, UNKNOWN)

    @property
    @abstractmethod
    def _by_folder(self) -> Mapping[str, int]:
        """Class by the name of a folder."""

    @property
    def _by_file(self) -> Mapping[str, int]:
        """Class by the name of a file, for images that lie in no class's folder."""
        return {}
