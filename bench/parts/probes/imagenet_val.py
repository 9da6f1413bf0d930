"""ImageNet's validation set, as published or sorted into folders."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError
from bench.parts.probes.classes import UNKNOWN, ClassedFiles
from bench.parts.probes.devkit import validation_classes
from bench.parts.truths.shipped import imagenet_names, imagenet_synsets

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEVKITS = ("ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2012_devkit_t12")


@dataclass(frozen=True)
class ImageNetValProbe(ClassedFiles):
    """Images of ImageNet's 1,000 classes: ILSVRC 2012's validation set, or similar images.

    Either in one folder per synset (all 1,000, or some), or the 50,000 files in one folder, with
    classes from the development kit; without the kit their classes are unknown. Published files are
    identified by their own names, so that both forms are the same set.

    Attributes:
        path: The folder.
        devkit: ILSVRC2012_devkit_t12.tar.gz, or its unpacked folder; searched in `path` by these
            names if empty.
    """

    summary: ClassVar[str] = "ImageNet's validation images, in folders of synsets or flat"
    reads = (*ClassedFiles.reads, ("devkit", "devkit"))

    path_fields: ClassVar[tuple[str, ...]] = ("path", "devkit")
    official_name: ClassVar[re.Pattern[str]] = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG")

    path: str = "fetched:imagenet_val"
    devkit: str = ""

    def class_names(self) -> tuple[str, ...]:
        """Return the 1,000 classes in the order of their synsets, "tench, Tinca tinca" first."""
        return imagenet_names()

    def notes(self) -> tuple[str, ...]:
        """Return, besides other notes, the number of classes with images if it is not 1,000."""
        shown = 0
        with suppress(UserError):  # methods that need no classes also run with a damaged kit
            shown = len(set(self.image_classes()) - {UNKNOWN})
        few = 0 < shown < len(imagenet_names())
        return (*super().notes(), *([f"images of {shown:,} of the 1,000 classes"] if few else []))

    @property
    def _class_by_folder(self) -> Mapping[str, int]:
        return imagenet_synsets()

    @cached_property
    def _class_by_file(self) -> Mapping[str, int]:
        kit = self._locate(self.devkit, _DEVKITS)
        if kit is None:
            return {}
        numbered = enumerate(validation_classes(kit), start=1)
        return {f"ILSVRC2012_val_{number:08d}.JPEG": at for number, at in numbered}

    def _classes_hint(self) -> str:
        return (
            "give the development kit: probe.params.devkit=ILSVRC2012_devkit_t12.tar.gz; or sort "
            "the images into one folder per synset"
        )
