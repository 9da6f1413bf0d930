"""Places365's validation set, as its authors hand it out or sorted into folders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.paths import read_text, user_path
from bench.downloads.requirements import unmet_path
from bench.errors import UserError
from bench.parts.probes.classes import UNKNOWN, ClassedFiles
from bench.parts.probes.image_files import told_parameters
from bench.parts.probes.inside import read_inside
from bench.parts.truths.places365 import Places365Truth
from bench.parts.truths.shipped import PLACES365

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.downloads.requirements import Requirement

LIST = "places365_val.txt"
_FILELISTS = (LIST, "filelist_places365-standard.tar", "filelist_places365-standard")
_OFFICIAL = re.compile(r"Places365_val_\d{8}\.jpg")
_LINE = re.compile(r"(\S+)\s+(\d+)")
_MOST = 100_000_000


@dataclass(frozen=True)
class Places365ValProbe(ClassedFiles):
    """Images of the 365 classes of Places365: its validation set, or some like it.

    Either the 36,500 files flat, whose classes places365_val.txt lists ("Places365_val_00000001.jpg
    165"), without which they are images of no known class; or in folders named as the classes are
    ("airfield", "bus_station/indoor" or "bus_station-indoor"; "b/" may stand before). A published
    file has its place in the order, and is known to the fingerprint, by its own name.

    Attributes:
        path: The folder. `limit`, `on_error` and `mask_size` are as of `ClassedFiles`.
        filelist: places365_val.txt, the folder that holds it, or filelist_places365-standard.tar
            itself; looked for in `path` where empty.
    """

    summary: ClassVar[str] = "Places365's validation images, flat with their list or in folders"

    path: str = "fetched:places365_val"
    filelist: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """What the record says: not where the files lie."""
        return told_parameters(self, "path", "filelist")

    def class_names(self) -> tuple[str, ...]:
        """The 365 classes in the order of their numbers, "airfield", "bus station/indoor"."""
        return _names()

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The images, and the list of their classes where one is named."""
        listed = unmet_path(self.filelist, "list of files", "probe.params.filelist")
        return (*super().unmet_requirements(), *listed)

    def _known_as(self, name: str) -> str:
        own = name.rpartition("/")[2]
        return own if _OFFICIAL.fullmatch(own) else super()._known_as(name)

    def _class_of(self, name: str) -> int:
        above = name.split("/")[:-1]
        for length in (2, 1):
            place = "/".join(above[-length:])
            if place in self._by_folder:
                return self._by_folder[place]
        return self._by_file.get(name.rpartition("/")[2], UNKNOWN)

    @property
    def _by_folder(self) -> Mapping[str, int]:
        return _folders()

    @cached_property
    def _by_file(self) -> Mapping[str, int]:
        place = self._filelist()
        if place is None:
            return {}
        found: dict[str, int] = {}
        count = len(self.class_names())
        for number, line in enumerate(_text(place).split("\n"), start=1):
            match = _LINE.fullmatch(line.strip())
            if match and int(match[2]) < count:
                found[match[1].rpartition("/")[2]] = int(match[2])
            elif line.strip():
                raise UserError(
                    "the line names no image and one of 365 classes",
                    where=f"{place}:{number}",
                    hint='lines read "Places365_val_00000001.jpg 165", as in places365_val.txt',
                )
        return found

    def _filelist(self) -> Path | None:
        if self.filelist:
            return user_path(self.filelist)
        inside = (self._place / name for name in _FILELISTS)
        return next((place for place in inside if place.exists()), None)

    def _where_classes_come_from(self) -> str:
        return (
            "give the list of classes: probe.params.filelist=filelist_places365-standard.tar, or "
            "places365_val.txt out of it; or sort the images into one folder a class"
        )


def _text(place: Path) -> str:
    if place.suffix == ".txt":
        return read_text(str(place), "probe.params.filelist")
    return read_inside(place, (LIST,), _MOST)[LIST].decode("utf-8", errors="replace")


@cache
def _names() -> tuple[str, ...]:
    return tuple(name.name for _, name in sorted(Places365Truth().names().items()))


@cache
def _folders() -> dict[str, int]:
    """Class by the last one or two folders of a path, as they are named in the wild."""
    found: dict[str, int] = {}
    for line in PLACES365.read_text(encoding="utf-8").rstrip("\n").split("\n"):
        path, number = line.split()
        name = path[3:]  # "/b/bus_station/indoor" without its initial
        found |= dict.fromkeys((name, name.replace("/", "-"), name.replace("/", "_")), int(number))
    return found
