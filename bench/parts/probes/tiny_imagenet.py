"""Tiny-ImageNet's validation images, as published or sorted into folders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.paths import read_text, user_path
from bench.errors import UserError
from bench.parts.probes.classes import UNKNOWN, ClassedFiles
from bench.parts.probes.image_files import told_parameters
from bench.parts.probes.name_table import read_names
from bench.parts.truths.shipped import imagenet_names, imagenet_synsets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ANNOTATIONS = "val_annotations.txt"
_SYNSET = re.compile(r"n\d{8}")
_OFFICIAL = re.compile(r"val_\d+\.JPEG")


@dataclass(frozen=True)
class TinyImageNetProbe(ClassedFiles):
    """Images of 200 of ImageNet's classes, 64 x 64 pixels.

    The published tree (the images of val/ alone, whose classes val/val_annotations.txt lists), or
    any tree with one folder a synset. Classes are the sorted synsets of wnids.txt, else of the
    folders: the order in which networks trained on such folders number them. They are named by
    words.txt, else as ImageNet's. A published file has its place in the order, and is known to the
    fingerprint, by its own name.

    Attributes:
        path: The folder that holds val/, or the tree. `limit`, `on_error` and `mask_size` are as of
            `ClassedFiles`.
    """

    summary: ClassVar[str] = "Tiny-ImageNet's validation images, as published or in folders"

    path: str = "fetched:tiny_imagenet"

    @property
    def parameters(self) -> dict[str, Any]:
        """What the record says: not where the files lie."""
        return told_parameters(self, "path")

    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their synsets.

        Raises:
            UserError: Nothing says which classes there are, or what one of them is called.
        """
        words = self._words
        return tuple(words[synset] for synset in self._by_folder)

    @property
    def _folder(self) -> str:
        inside = f"{self.path.rstrip('/')}/val"
        return inside if self.path and user_path(inside).is_dir() else self.path

    def _known_as(self, name: str) -> str:
        own = name.rpartition("/")[2]
        return own if _OFFICIAL.fullmatch(own) else super()._known_as(name)

    @cached_property
    def _by_folder(self) -> Mapping[str, int]:
        listed = self._beside("wnids.txt")
        if listed is not None:
            synsets = set(read_text(str(listed), "probe.params.path").split())
        else:
            synsets = {
                part
                for name in self._found.images
                for part in name.split("/")[:-1]
                if _SYNSET.fullmatch(part)
            } | set(self._annotated.values())
        if not synsets:
            raise UserError(
                f"nothing in {self.path} says what classes there are",
                where="probe.params.path",
                hint="give the unpacked tiny-imagenet-200, or a tree with one folder a synset",
            )
        return {synset: place for place, synset in enumerate(sorted(synsets))}

    @cached_property
    def _by_file(self) -> Mapping[str, int]:
        places = self._by_folder
        # A shortened wnids.txt chooses among the classes: images of the others are of none of them.
        return {name: places.get(synset, UNKNOWN) for name, synset in self._annotated.items()}

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
                    "the line names no file and its synset",
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
        for synset in self._by_folder:
            known = imagenet_synsets().get(synset)
            name = table.get(synset) or (names[known] if known is not None else "")
            if not name:
                raise UserError(
                    f"nothing says what {synset} is called: it is no class of ImageNet",
                    where="probe.params.path",
                    hint="put the words.txt of Tiny-ImageNet into the folder, or take "
                    "probe=class_folder with a table of names",
                )
            found[synset] = name
        return found

    def _beside(self, name: str) -> Path | None:
        """A file of the published tree, wherever in it `path` points."""
        root = user_path(self.path)
        places = [root, root / "val"]
        if root.name in ("val", "images"):  # else what lies above is none of ours
            places += [root.parent, root.parent.parent]
        return next((at / name for at in places if (at / name).is_file()), None)
