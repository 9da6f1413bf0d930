"""Labels from a text file, one a line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from bench.errors import UserError
from bench.paths import read_text


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
            UserError: The file is missing, empty or no text.
        """
        return self._read[0]

    def notes(self) -> tuple[str, ...]:
        """How many duplicates were dropped."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        lines = [line.strip() for line in read_text(self.path, "concepts.params.path").split("\n")]
        labels = [line for line in lines if line]
        if not labels:
            raise UserError(
                "the concept file holds no label",
                where=f"{self.path}:1",
                cure="write one label a line",
            )
        words = tuple(dict.fromkeys(labels))
        dropped = len(labels) - len(words)
        if not dropped:
            return words, ()
        lines_word = "line that repeats" if dropped == 1 else "lines that repeat"
        return words, (f"dropped {dropped} {lines_word} an earlier concept",)
