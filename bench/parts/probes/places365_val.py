"""Places365's validation set, as published or sorted into folders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.paths import read_text
from bench.errors import UserError
from bench.parts.probes.classes import UNKNOWN, ClassedFiles
from bench.parts.probes.members import read_members
from bench.parts.truths.places365 import Places365Truth
from bench.parts.truths.shipped import PLACES365

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


LIST = "places365_val.txt"
_FILELISTS = (LIST, "filelist_places365-standard.tar", "filelist_places365-standard")
_LINE = re.compile(r"(\S+)\s+(\d+)")
_MAX_SIZE = 100_000_000


@dataclass(frozen=True)
class Places365ValProbe(ClassedFiles):
    """Images of the 365 classes of Places365: its validation set, or similar images.

    Either the 36,500 files in one folder, with classes from places365_val.txt
    ("Places365_val_00000001.jpg 165"); without this list their classes are unknown. Or in folders
    with the names of the classes ("airfield", "bus_station/indoor" or "bus_station-indoor"; "b/"
    may precede). Published files are identified by their own names.

    Attributes:
        path: The folder.
        filelist: places365_val.txt, its folder, or filelist_places365-standard.tar; searched in
            `path` if empty.
    """

    summary: ClassVar[str] = "Places365's validation images, flat with their list or in folders"
    reads = (*ClassedFiles.reads, ("filelist", "list of files"))

    path_fields: ClassVar[tuple[str, ...]] = ("path", "filelist")
    official_name: ClassVar[re.Pattern[str]] = re.compile(r"Places365_val_\d{8}\.jpg")

    path: str = "fetched:places365_val"
    filelist: str = ""

    def class_names(self) -> tuple[str, ...]:
        """Return the 365 classes in the order of their numbers, "airfield" first."""
        return _names()

    def _class_of(self, name: str) -> int:
        above = name.split("/")[:-1]
        for length in (2, 1):
            folder = "/".join(above[-length:])
            if folder in self._class_by_folder:
                return self._class_by_folder[folder]
        return self._class_by_file.get(name.rpartition("/")[2], UNKNOWN)

    @property
    def _class_by_folder(self) -> Mapping[str, int]:
        return _folders()

    @cached_property
    def _class_by_file(self) -> Mapping[str, int]:
        source = self._locate(self.filelist, _FILELISTS)
        if source is None:
            return {}
        found: dict[str, int] = {}
        count = len(self.class_names())
        for number, line in enumerate(_read_list(source).split("\n"), start=1):
            match = _LINE.fullmatch(line.strip())
            if match and int(match[2]) < count:
                found[match[1].rpartition("/")[2]] = int(match[2])
            elif line.strip():
                raise UserError(
                    "the line does not name an image and one of 365 classes",
                    where=f"{source}:{number}",
                    hint='lines read "Places365_val_00000001.jpg 165", as in places365_val.txt',
                )
        return found

    def _classes_hint(self) -> str:
        return (
            "give the list of classes: probe.params.filelist=filelist_places365-standard.tar, or "
            "the places365_val.txt in it; or sort the images into one folder per class"
        )


def _read_list(source: Path) -> str:
    if source.suffix == ".txt":
        return read_text(str(source), "probe.params.filelist")
    return read_members(source, (LIST,), _MAX_SIZE)[LIST].decode("utf-8", errors="replace")


@cache
def _names() -> tuple[str, ...]:
    return tuple(name.name for _, name in sorted(Places365Truth().names().items()))


@cache
def _folders() -> dict[str, int]:
    """Return classes by the last one or two folders of a path, in common spellings."""
    found: dict[str, int] = {}
    for line in PLACES365.read_text(encoding="utf-8").rstrip("\n").split("\n"):
        path, number = line.split()
        name = path[3:]  # "/b/bus_station/indoor" without its initial
        found |= dict.fromkeys((name, name.replace("/", "-"), name.replace("/", "_")), int(number))
    return found
