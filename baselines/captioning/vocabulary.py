"""A tokeniser, a vocabulary, and the conversion of tokens to sentences.

MILAN uses the tokens of spaCy's English model, lower-cased, without lemmas, with stop words and
punctuation (appendix B). Here a regular expression replaces it, which agrees with spaCy on texts of
annotators: words with an inner hyphen or slash are split at it ("t-shirt": t, -, shirt),
clitics are split off ("it's": it, 's; "don't": do, n't), an ellipsis is one token, and so is any
other punctuation mark. It has none of spaCy's exceptions by word ("e.g.", "cannot").
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SPECIALS = ("<start>", "<stop>", "<pad>", "<unk>")
"""Special tokens; no word can equal one, since the tokeniser splits off angle brackets."""

_LETTER = r"[^\W_]"
_CLITIC = rf"(?:'(?:s|m|d|re|ve|ll)|n't)(?!{_LETTER})"
_TOKEN = re.compile(
    rf"{_CLITIC}"
    rf"|\d+(?:[.,]\d+)+(?!{_LETTER})"
    rf"|{_LETTER}+?(?=n't(?!{_LETTER}))"
    rf"|{_LETTER}+(?:(?!{_CLITIC})'{_LETTER}+)*"
    r"|\.{2,}"
    r"|\S"
)
_BEFORE_MARK = re.compile(rf"\s+(?=[.,;:]|{_CLITIC})")
_AROUND_HYPHEN = re.compile(r"\s*-\s*")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?])\s)\W*\w")


@dataclass(frozen=True)
class Specials:
    """Numbers of the special tokens, the last four of each vocabulary."""

    start: int
    stop: int
    pad: int
    unk: int

    @property
    def silent(self) -> tuple[int, int, int]:
        """Tokens that no search may generate."""
        return self.start, self.pad, self.unk


def special_ids(size: int) -> Specials:
    """Return the special tokens of a vocabulary.

    Args:
        size: Size of the vocabulary, including the four.
    """
    if size <= len(SPECIALS):
        raise ValueError(f"a vocabulary must have at least {len(SPECIALS) + 1} entries, not {size}")
    return Specials(*range(size - len(SPECIALS), size))


def tokenise(text: str) -> list[str]:
    """Split a text into lower-case tokens (see the module's note)."""
    return _TOKEN.findall(text.lower().replace("\u2019", "'"))


@dataclass(frozen=True)
class Vocabulary:
    """Numbered words; after them start, stop, pad and unk.

    Attributes:
        words: Words by descending frequency, then alphabetically; without the special tokens.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.words:
            raise ValueError("a vocabulary needs at least one word")
        if len(set(self.words)) < len(self.words) or set(self.words) & set(SPECIALS):
            raise ValueError("words must be distinct and not special tokens")

    @classmethod
    def build(cls, texts: Iterable[str], min_count: int = 1) -> Vocabulary:
        """Build the vocabulary of texts.

        Args:
            texts: Sentences that the vocabulary should cover.
            min_count: Minimum number of occurrences; rarer words become unk.

        Raises:
            ValueError: No word is frequent enough.
        """
        counts = Counter(token for text in texts for token in tokenise(text))
        kept = [word for word, count in counts.items() if count >= min_count]
        return cls(tuple(sorted(kept, key=lambda word: (-counts[word], word))))

    def __len__(self) -> int:
        return len(self.words) + len(SPECIALS)

    @cached_property
    def specials(self) -> Specials:
        """Numbers of the special tokens."""
        return special_ids(len(self))

    @property
    def start(self) -> int:
        """Token before every sentence."""
        return self.specials.start

    @property
    def stop(self) -> int:
        """Token at the end of a sentence."""
        return self.specials.stop

    @property
    def pad(self) -> int:
        """Token that pads sentences to one length."""
        return self.specials.pad

    @property
    def unk(self) -> int:
        """Token of words outside the vocabulary."""
        return self.specials.unk

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    def encode(self, text: str, max_length: int = 15) -> list[int]:
        """Number a text for training.

        Args:
            text: The sentence.
            max_length: Most tokens after start, stop included.

        Returns:
            max_length + 1 numbers: start, the tokens, stop, and pad up to the end. A sentence that
            is too long is cut and has no stop, so that no model learns to stop there.
        """
        ids = [self._ids.get(token, self.unk) for token in tokenise(text)]
        ids = [*ids, self.stop][:max_length]
        return [self.start, *ids, *[self.pad] * (max_length - len(ids))]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of numbers; specials as in `SPECIALS`."""
        every = (*self.words, *SPECIALS)
        return [every[index] for index in ids]


def reconstruct(tokens: Sequence[str]) -> str:
    """Join tokens from `Vocabulary.decode` to readable text; empty without words.

    Cut at the first stop, leave out special tokens, set blanks as in prose, and begin each sentence
    with a capital; all other letters are lower-case.
    """
    words = []
    for token in tokens:
        if token == SPECIALS[1]:
            break
        if token not in SPECIALS:
            words.append(token.lower())
    text = _AROUND_HYPHEN.sub("-", _BEFORE_MARK.sub("", " ".join(words)))
    return _SENTENCE_START.sub(lambda found: found.group().upper(), text)
