"""CLIP-Dissect's own word lists, as its authors publish them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from bench.concepts.file import FileConcepts
from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_NAMED = {"3k": 3_000, "10k": 10_000, "20k": 20_000}


@dataclass(frozen=True)
class PaperConcepts:
    """3k.txt, 10k.txt or 20k.txt of CLIP-Dissect (Oikarinen & Weng, ICLR 2023, table 1).

    Attributes:
        size: Which of them: "3k" is in alphabetical order, the others begin with the commonest.
    """

    summary: ClassVar[str] = "CLIP-Dissect's own word lists (dissectbench fetch paper)"

    size: Literal["3k", "10k", "20k"] = "20k"

    def words(self) -> tuple[str, ...]:
        """The words, in the order of the file.

        Raises:
            UserError: The file was not fetched, or is damaged.
        """
        return self._read.words()

    def notes(self) -> tuple[str, ...]:
        """What was dropped, and where the number of words is not the one in the name."""
        count, named = len(self.words()), _NAMED[self.size]
        short = () if count == named else (f"the list {self.size} holds {count:,} words",)
        return (*self._read.notes(), *short)

    @cached_property
    def _read(self) -> FileConcepts:
        return FileConcepts(str(self._file()))

    def _file(self) -> Path:
        from bench.downloads.catalog import BY_NAME
        from bench.downloads.places import look, place

        entry = BY_NAME[f"paper_{self.size}"]
        state = look(entry)
        if state.kind != "here":
            raise UserError(
                f"the list {entry.name} is not in the data folder"
                if state.kind == "missing"
                else f"the list {entry.name} is damaged: {state.detail}",
                where=str(place(entry)),
                cure=f"dissectbench fetch {entry.name}",
            )
        return place(entry)
