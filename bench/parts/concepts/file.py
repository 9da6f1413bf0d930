"""Labels from a text file, one per line."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from bench.downloads.paths import read_text
from bench.errors import UserError
from bench.parts.file_params import FileParams

_MAX_LENGTH = 1000
"""Maximum characters of a label; text towers read some 300."""


@dataclass(frozen=True)
class FileConcepts(FileParams):
    """The lines of a UTF-8 text file.

    Line ends may be of any kind, with a byte order mark; blank lines, blanks around labels and
    duplicates are dropped.

    Attributes:
        path: The file.
    """

    summary: ClassVar[str] = "a text file, one label per line"
    config_key = "concepts.params"
    reads = (("path", "concept file"),)

    path: str

    def words(self) -> tuple[str, ...]:
        """Return the labels, in the order of the file."""
        return self._read[0]

    def notes(self) -> tuple[str, ...]:
        """Return the numbers of blank lines and duplicates."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        lines = [line.strip() for line in read_text(self.path, "concepts.params.path").split("\n")]
        for number, line in enumerate(lines, start=1):
            self._check(line, number)
        labels = [line for line in lines if line]
        if not labels:
            raise UserError(
                "the concept file contains no label",
                where=f"{self.path}:1",
                hint="write one label per line",
            )
        words = tuple(dict.fromkeys(labels))
        # The last line end does not start another line.
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
        """Refuse lines that are not labels, such as those of tables, prose or terminal output."""
        where = f"{self.path}:{number}"
        if len(label) > _MAX_LENGTH:
            raise UserError(
                f"the line has {len(label):,} characters; a label may have {_MAX_LENGTH:,}",
                where=where,
                hint="write one label per line",
            )
        control = next((c for c in label if unicodedata.category(c) == "Cc"), None)
        if control is not None:
            name = "a tab" if control == "\t" else f"the control character U+{ord(control):04X}"
            raise UserError(
                f"the label contains {name}",
                where=where,
                hint="write one label per line, as plain text",
            )


def _counted(count: int, one: str, several: str) -> tuple[str, ...]:
    """Return a sentence with a number; nothing for 0."""
    return ((one if count == 1 else several).format(count),) if count else ()
