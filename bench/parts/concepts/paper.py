"""CLIP-Dissect's published word lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from bench.downloads.catalog import BY_NAME
from bench.downloads.data_folder import inspect_entry, path_of
from bench.downloads.requirements import unmet_download
from bench.errors import UserError
from bench.parts.concepts.file import FileConcepts

if TYPE_CHECKING:
    from pathlib import Path

    from bench.downloads.entry import Download
    from bench.downloads.requirements import Requirement

_COUNTS = {"3k": 3_000, "10k": 10_000, "20k": 20_000, "broden": 1_153}


@dataclass(frozen=True)
class PaperConcepts:
    """The lists of CLIP-Dissect (Oikarinen & Weng, ICLR 2023, table 1).

    Attributes:
        size: "3k" for 3k.txt (alphabetical); "10k" and "20k" for 10k.txt and 20k.txt (most common
            words first); "broden" for broden_labels_clean.txt, whose 1,197 lines are 1,153 labels
            of Broden ("shed" is a scene and an object).
    """

    summary: ClassVar[str] = "CLIP-Dissect's own word lists (dissectbench fetch paper)"

    size: Literal["3k", "10k", "20k", "broden"] = "20k"

    def words(self) -> tuple[str, ...]:
        """Return the words, in the order of the file."""
        return self._read.words()

    def notes(self) -> tuple[str, ...]:
        """Return dropped lines, and the number of words unless the name of the list says it."""
        count, named = len(self.words()), _COUNTS[self.size]
        short = () if count == named else (f"the list {self.size} holds {count:,} words",)
        return (*self._read.notes(), *short)

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the list, if missing."""
        return unmet_download(self._entry)

    @cached_property
    def _read(self) -> FileConcepts:
        return FileConcepts(str(self._file()))

    @property
    def _entry(self) -> Download:
        return BY_NAME[f"paper_{self.size}"]

    def _file(self) -> Path:
        entry = self._entry
        state = inspect_entry(entry)
        if state.kind != "here":
            raise UserError(
                f"the list {entry.name} is not in the data folder"
                if state.kind == "missing"
                else f"the list {entry.name} is damaged: {state.detail}",
                where=str(path_of(entry)),
                hint=f"dissectbench fetch {entry.name}",
            )
        return path_of(entry)
