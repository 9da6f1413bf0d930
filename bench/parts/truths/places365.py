"""True names of a Places365 network's final layer, from the list that its authors publish."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.paths import read_text
from bench.errors import UserError
from bench.parts.truths.base import CachedTruth
from bench.parts.truths.official import OfficialTexts
from bench.parts.truths.shipped import PLACES365
from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = re.compile(r"/[a-z]/(\S+)\s+(\d+)")


def _true_name(name: str) -> TrueName:
    return TrueName(name, (name,))


def _clean_label(label: str) -> str:
    """Return a mask label as in the notebook: "airfield" for "airfield-s" or "/a/airfield 0"."""
    name = label[len("/a/") :].partition(" ")[0] if label.startswith("/") else label
    return name.removesuffix("-s")


@dataclass(frozen=True)
class Places365Truth(CachedTruth):
    """categories_places365.txt, whose lines read "/b/bus_station/indoor 71".

    Attributes:
        path: That file; if empty, the one that ships with the package.
        scenes: Broden's c_scene.csv, to score only the classes in it: 267 of the 365 in the
            published tree, as in CLIP-Dissect's comparison with Network Dissection (Oikarinen and
            Weng, ICLR 2023, table 2). All classes if empty.
    """

    summary: ClassVar[str] = "the classes of Places365, or those of them that are scenes of Broden"
    reads = (("path", "list of classes"), ("scenes", "table of scenes"))

    path: str = ""
    scenes: str = ""

    def official_texts(self) -> OfficialTexts:
        """Return mask labels and class names as in CLIP-Dissect's notebook of table 2.

        The notebook removes a leading "/b/" and a final "-s" from labels, and keeps underscores.
        """
        names = {unit: _true_name(name) for unit, name in self._classes.items()}
        return OfficialTexts(_clean_label, names, None)

    def _read(self) -> Mapping[int, TrueName]:
        return {unit: _true_name(name.replace("_", " ")) for unit, name in self._classes.items()}

    @cached_property
    def _classes(self) -> Mapping[int, str]:
        """Class names as in the file, by unit: "bus_station/indoor"."""
        found: dict[int, str] = {}
        text = read_text(self.path or str(PLACES365), "target.truth.params.path")
        for number, line in enumerate(text.rstrip().split("\n"), start=1):
            match = _LINE.fullmatch(line.strip())
            if not match or int(match[2]) in found:
                raise UserError(
                    f"unit {match[2]} appears twice" if match else "the line does not name a class",
                    where=f"{self.path}:{number}",
                    hint='lines read "/a/airfield 0", as in categories_places365.txt',
                )
            found[int(match[2])] = match[1]
        scenes = self._scene_names()
        named = {
            unit: name
            for unit, name in sorted(found.items())
            if scenes is None or f"{name.replace('/', '-')}-s" in scenes
        }
        if not named:
            raise UserError(
                "no class of the list is a scene of this tree",
                where="target.truth.params.scenes",
                hint="give the c_scene.csv of Broden, whose names end in -s",
            )
        return named

    def _scene_names(self) -> frozenset[str] | None:
        """Return the names of the scenes in Broden; None to score all classes."""
        if not self.scenes:
            return None
        text = read_text(self.scenes, "target.truth.params.scenes")
        table = csv.DictReader(io.StringIO(text, newline=""))
        if "name" not in (table.fieldnames or ()):
            raise UserError(
                "the table has no column 'name'",
                where=f"{self.scenes}:1",
                hint="give the c_scene.csv of a Broden tree",
            )
        return frozenset(row["name"] or "" for row in table)
