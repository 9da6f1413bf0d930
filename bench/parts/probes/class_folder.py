"""A folder that holds one folder of images for each class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.requirements import unmet_path
from bench.errors import UserError, nearest
from bench.parts.probes.classes import UNKNOWN, ClassedFiles
from bench.parts.probes.name_table import read_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.downloads.requirements import Requirement


@dataclass(frozen=True)
class ClassFolderProbe(ClassedFiles):
    """Images in one folder a class, as ImageNet is mostly kept.

    Images and their order are those of `folder` at the same place. An image that lies in no
    class's folder is of no known class.

    Attributes:
        path: The folder of folders. `limit`, `on_error` and `mask_size` are as of `ClassedFiles`.
        names: A table or list that gives each folder its name (see `name_table`);
            where empty a folder's own name is the class's.
        classes: The folders in the order in which networks number the classes; may hold classes of
            which there is no image, and must hold all of which there are. Sorted where empty.
    """

    summary: ClassVar[str] = "images in one folder a class; the classes serve as masks too"

    names: str = ""
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        twice = {name for name in self.classes if self.classes.count(name) > 1}
        if twice:
            raise UserError(
                f"{min(twice)!r} stands twice in the list of classes",
                where="probe.params.classes",
                hint="name each folder once",
            )

    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of `classes` or of the sorted folders.

        Raises:
            UserError: There is no folder of a class, or one that `classes` or `names` misses.
        """
        return self._class_names

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The folder and the table of names, where they are missing."""
        table = unmet_path(self.names, "table of names", "probe.params.names")
        return (*super().unmet_requirements(), *table)

    @cached_property
    def _class_names(self) -> tuple[str, ...]:
        folders = tuple(self._by_folder)
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
        # The folder right below `path`, however deep the image lies and whatever stands between.
        places = self._by_folder  # refuses a set without a single such folder
        folder, inside, _ = name.partition("/")
        return places[folder] if inside else UNKNOWN

    @cached_property
    def _by_folder(self) -> Mapping[str, int]:
        kept, left_out = self._sorted_out
        found = sorted({name.partition("/")[0] for name in (*kept, *left_out) if "/" in name})
        if not found:
            raise UserError(
                f"there is no folder of a class in {self.path}: all images lie beside each other",
                where="probe.params.path",
                hint="sort the images into one folder a class, or take probe=folder",
            )
        for folder in found:
            if self.classes and folder not in self.classes:
                raise UserError(
                    f"the list of classes does not hold the folder {folder!r}",
                    where="probe.params.classes",
                    valid=nearest(folder, self.classes),
                    hint="list every folder that holds images, or give no list",
                )
        return {folder: at for at, folder in enumerate(self.classes or found)}
