"""Tiny-ImageNet's validation images, as published or sorted into folders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.paths import read_text, user_path
from bench.errors import UserError
from bench.parts.probes.classes import UNKNOWN, ClassedFiles
from bench.parts.probes.name_table import read_names
from bench.parts.truths.shipped import imagenet_names, imagenet_synsets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ANNOTATIONS = "val_annotations.txt"
_SYNSET = re.compile(r"n\d{8}")


@dataclass(frozen=True)
class TinyImageNetProbe(ClassedFiles):
    """Images of 200 of ImageNet's classes, 64 x 64 pixels.

    Either the published tree (the images of val/, with classes from val/val_annotations.txt), or
    any tree with one folder per synset. Classes are the sorted synsets of wnids.txt, else of the
    folders, which is the order of networks trained on such folders. Their names are those of
    words.txt, else of ImageNet. Published files are identified by their own names.

    Attributes:
        path: The folder that contains val/, or the tree.
    """

    summary: ClassVar[str] = "Tiny-ImageNet's validation images, as published or in folders"

    path_fields: ClassVar[tuple[str, ...]] = ("path",)
    official_name: ClassVar[re.Pattern[str]] = re.compile(r"val_\d+\.JPEG")

    path: str = "fetched:tiny_imagenet"

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, in the order of their synsets."""
        words = self._words
        return tuple(words[synset] for synset in self._class_by_folder)

    @property
    def _folder(self) -> str:
        inside = f"{self.path.rstrip('/')}/val"
        return inside if self.path and user_path(inside).is_dir() else self.path

    @cached_property
    def _class_by_folder(self) -> Mapping[str, int]:
        listed = self._beside("wnids.txt")
        if listed is not None:
            synsets = set(read_text(str(listed), "probe.params.path").split())
        else:
            synsets = {
                part
                for name in self._listing.images
                for part in name.split("/")[:-1]
                if _SYNSET.fullmatch(part)
            } | set(self._annotated.values())
        if not synsets:
            raise UserError(
                f"the classes of {self.path} are unknown",
                where="probe.params.path",
                hint="give the unpacked tiny-imagenet-200, or a tree with one folder per synset",
            )
        return {synset: number for number, synset in enumerate(sorted(synsets))}

    @cached_property
    def _class_by_file(self) -> Mapping[str, int]:
        classes = self._class_by_folder
        # A shortened wnids.txt selects classes: images of the others are of unknown class.
        return {name: classes.get(synset, UNKNOWN) for name, synset in self._annotated.items()}

    @cached_property
    def _annotated(self) -> dict[str, str]:
        """The synset of each published file."""
        file = self._beside(_ANNOTATIONS)
        if file is None:
            return {}
        found = {}
        lines = read_text(str(file), "probe.params.path").rstrip("\n").split("\n")
        for number, line in enumerate(lines, start=1):
            name, *rest = line.split("\t")
            if not rest or not _SYNSET.fullmatch(rest[0]):
                raise UserError(
                    "the line does not name a file and its synset",
                    where=f"{file}:{number}",
                    hint='lines read "val_0.JPEG<tab>n03444034<tab>0<tab>32<tab>44<tab>62"',
                )
            found[name] = rest[0]
        return found

    @cached_property
    def _words(self) -> Mapping[str, str]:
        file = self._beside("words.txt")
        table = read_names(str(file), "probe.params.path") if file is not None else {}
        names = imagenet_names()
        found = {}
        for synset in self._class_by_folder:
            known = imagenet_synsets().get(synset)
            name = table.get(synset) or (names[known] if known is not None else "")
            if not name:
                raise UserError(
                    f"the name of {synset} is unknown: it is not a class of ImageNet",
                    where="probe.params.path",
                    hint="put the words.txt of Tiny-ImageNet into the folder, or use "
                    "probe=class_folder with a table of names",
                )
            found[synset] = name
        return found

    def _beside(self, name: str) -> Path | None:
        """Return a file of the published tree, wherever in it `path` points."""
        root = user_path(self.path)
        folders = [root, root / "val"]
        if root.name in ("val", "images"):  # parts of the published tree
            folders += [root.parent, root.parent.parent]
        return next((at / name for at in folders if (at / name).is_file()), None)
