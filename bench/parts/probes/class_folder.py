"""A folder with one folder of images per class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError, nearest
from bench.parts.probes.classes import UNKNOWN, ClassedFiles
from bench.parts.probes.name_table import read_names

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ClassFolderProbe(ClassedFiles):
    """Images in one folder per class, the usual form of ImageNet.

    Images and their order are those of `folder` with the same path. The class of an image outside
    the folders of classes is unknown.

    Attributes:
        path: The folder of folders.
        names: A table or list of the folders' names, such as Tiny-ImageNet's words.txt; if empty,
            the name of the folder is that of the class.
        classes: The folders in the order in which networks number the classes; may contain classes
            without images, and must contain all others. Sorted if empty.
    """

    summary: ClassVar[str] = "images in one folder per class; the classes can serve as masks"
    reads = (*ClassedFiles.reads, ("names", "table of names"))

    names: str = ""
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        twice = {name for name in self.classes if self.classes.count(name) > 1}
        if twice:
            raise UserError(
                f"{min(twice)!r} appears twice in the list of classes",
                where="probe.params.classes",
                hint="name each folder once",
            )

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, in the order of `classes` or of the sorted folders."""
        return self._class_names

    @cached_property
    def _class_names(self) -> tuple[str, ...]:
        folders = tuple(self._class_by_folder)
        if not self.names:
            return folders
        table = read_names(self.names, "probe.params.names")
        for folder in folders:
            if folder not in table:
                raise UserError(
                    f"the table does not name the folder {folder!r}",
                    where=self.names,
                    valid=nearest(folder, table),
                    hint="add a line for it",
                )
        return tuple(table[folder] for folder in folders)

    def _class_of(self, name: str) -> int:
        # The folder directly below `path`, however deep the image is.
        classes = self._class_by_folder  # raises if there is no such folder
        folder, slash, _ = name.partition("/")
        return classes[folder] if slash else UNKNOWN

    @cached_property
    def _class_by_folder(self) -> Mapping[str, int]:
        readable, skipped = self._sorted_files
        folders = sorted({name.partition("/")[0] for name in (*readable, *skipped) if "/" in name})
        if not folders:
            raise UserError(
                f"there is no folder of a class in {self.path}",
                where="probe.params.path",
                hint="sort the images into one folder per class, or use probe=folder",
            )
        for folder in folders:
            if self.classes and folder not in self.classes:
                raise UserError(
                    f"the list of classes does not contain the folder {folder!r}",
                    where="probe.params.classes",
                    valid=nearest(folder, self.classes),
                    hint="list every folder with images, or give no list",
                )
        return {folder: at for at, folder in enumerate(self.classes or folders)}
