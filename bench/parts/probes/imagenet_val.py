"""ImageNet's validation set, as its owners hand it out or sorted into folders."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.paths import user_path
from bench.downloads.requirements import unmet_path
from bench.errors import UserError
from bench.parts.probes.classes import UNKNOWN, ClassedFiles
from bench.parts.probes.devkit import validation_classes
from bench.parts.probes.image_files import told_parameters
from bench.parts.truths.shipped import imagenet_names, imagenet_synsets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.downloads.requirements import Requirement

_OFFICIAL = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG")
_DEVKITS = ("ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2012_devkit_t12")


@dataclass(frozen=True)
class ImageNetValProbe(ClassedFiles):
    """Images of ImageNet's 1,000 classes: ILSVRC 2012's validation set, or some like it.

    Either in one folder a synset (of all 1,000 or of some; the others then have no image), or the
    50,000 files flat, whose classes the development kit knows; without it they are images of no
    known class. A published file has its place in the order, and is known to the fingerprint, by
    its own name, so that both ways of keeping the set are one set.

    Attributes:
        path: The folder. `limit`, `on_error` and `mask_size` are as of `ClassedFiles`.
        devkit: ILSVRC2012_devkit_t12.tar.gz, or the folder that it unpacks to; looked for in `path`
            under these names where empty.
    """

    summary: ClassVar[str] = "ImageNet's validation images, in folders of synsets or flat"

    path: str = "fetched:imagenet_val"
    devkit: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """What the record says: not where the files lie."""
        return told_parameters(self, "path", "devkit")

    def class_names(self) -> tuple[str, ...]:
        """The 1,000 classes in the order of their synsets, "tench, Tinca tinca" and so on."""
        return imagenet_names()

    def notes(self) -> tuple[str, ...]:
        """How many classes have images, where these are not all."""
        shown = 0
        with suppress(UserError):  # a damaged kit is no fault for a method that asks for images
            shown = len(set(self.image_classes()) - {UNKNOWN})
        few = 0 < shown < len(imagenet_names())
        return (*super().notes(), *([f"images of {shown:,} of the 1,000 classes"] if few else []))

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The images, and the development kit where one is named."""
        kit = unmet_path(self.devkit, "devkit", "probe.params.devkit")
        return (*super().unmet_requirements(), *kit)

    def _known_as(self, name: str) -> str:
        own = name.rpartition("/")[2]
        return own if _OFFICIAL.fullmatch(own) else super()._known_as(name)

    @property
    def _by_folder(self) -> Mapping[str, int]:
        return imagenet_synsets()

    @cached_property
    def _by_file(self) -> Mapping[str, int]:
        kit = self._devkit()
        if kit is None:
            return {}
        numbered = enumerate(validation_classes(kit), start=1)
        return {f"ILSVRC2012_val_{number:08d}.JPEG": place for number, place in numbered}

    def _devkit(self) -> Path | None:
        if self.devkit:
            return user_path(self.devkit)
        inside = (self._place / name for name in _DEVKITS)
        return next((kit for kit in inside if kit.exists()), None)

    def _where_classes_come_from(self) -> str:
        return (
            "give the development kit: probe.params.devkit=ILSVRC2012_devkit_t12.tar.gz; or sort "
            "the images into one folder a synset"
        )
