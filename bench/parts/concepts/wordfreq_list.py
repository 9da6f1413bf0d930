"""The most common English words, offline."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from bench.errors import UserError
from bench.parts.checks import check_positive


@dataclass(frozen=True)
class WordfreqConcepts:
    """The `n` most common English words of the package wordfreq, most common first.

    Attributes:
        n: Number of words.
    """

    summary: ClassVar[str] = "the most common English words (package wordfreq)"
    packages: ClassVar[tuple[str, ...]] = ("wordfreq",)

    n: int = 20000

    def __post_init__(self) -> None:
        check_positive(self.n, "concepts.params.n")

    def words(self) -> tuple[str, ...]:
        """Return the words."""
        return self._words

    def notes(self) -> tuple[str, ...]:
        """Return nothing, since nothing is dropped."""
        return ()

    @cached_property
    def _words(self) -> tuple[str, ...]:
        from wordfreq import top_n_list

        words = tuple(dict.fromkeys(word.strip() for word in top_n_list("en", self.n)))
        if len(words) < self.n:
            raise UserError(
                f"wordfreq has {len(words)} English words, not {self.n}",
                where="concepts.params.n",
                hint=f"give {len(words)} or fewer",
            )
        return words
