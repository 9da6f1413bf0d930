"""Labels from a text file, one a line."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.paths import read_text
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.downloads.requirements import Requirement

_LONGEST = 1000
"""Characters that a label may have; text towers read some 300."""


@dataclass(frozen=True)
class FileConcepts:
    """The lines of a UTF-8 text file.

    Any line ends, a byte order mark and blank lines are legal; blanks around a label are stripped;
    of equal labels the first stays.

    Attributes:
        path: The file.
    """

    summary: ClassVar[str] = "a text file, one label a line"

    path: str

    def words(self) -> tuple[str, ...]:
        """The labels, in the order of the file.

        Raises:
            UserError: The file is missing, empty or no text, or a line is no label.
        """
        return self._read[0]

    def notes(self) -> tuple[str, ...]:
        """How many blank lines and duplicates were left out."""
        return self._read[1]

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The file, where it is missing."""
        from bench.downloads.requirements import unmet_path

        return unmet_path(self.path, "concept file", "concepts.params.path")

    @cached_property
    def _read(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        lines = [line.strip() for line in read_text(self.path, "concepts.params.path").split("\n")]
        for number, line in enumerate(lines, start=1):
            self._check(line, number)
        labels = [line for line in lines if line]
        if not labels:
            raise UserError(
                "the concept file holds no label",
                where=f"{self.path}:1",
                hint="write one label a line",
            )
        words = tuple(dict.fromkeys(labels))
        # What follows the last line end is no line.
        blank = sum(not line for line in lines[:-1])
        return words, (
            *_counted(blank, "left out {} blank line", "left out {} blank lines"),
            *_counted(
                len(labels) - len(words),
                "dropped {} line that repeats an earlier concept",
                "dropped {} lines that repeat an earlier concept",
            ),
        )

    def _check(self, label: str, number: int) -> None:
        """Refuse what nobody wrote as a label: a table, a page of text, terminal output."""
        where = f"{self.path}:{number}"
        if len(label) > _LONGEST:
            raise UserError(
                f"the line has {len(label):,} characters; a label has {_LONGEST:,} at most",
                where=where,
                hint="write one label a line",
            )
        control = next((c for c in label if unicodedata.category(c) == "Cc"), None)
        if control is not None:
            name = "a tab" if control == "\t" else f"the control character U+{ord(control):04X}"
            raise UserError(
                f"the label holds {name}",
                where=where,
                hint="write one label a line, as plain text; of a table, its labels alone",
            )


def _counted(count: int, one: str, several: str) -> tuple[str, ...]:
    """A sentence with a number; nothing for none."""
    return ((one if count == 1 else several).format(count),) if count else ()
