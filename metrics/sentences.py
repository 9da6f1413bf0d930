"""What a sentence says of one category of things: the true names that it mentions.

The category is a layer's own list of true names: all units' published names and synonyms. A mention
is a whole-word occurrence, exact or inflected, in any case; the longest match counts, so "chess
knight" is no mention of a knight. A sentence says something only where one true name is common to
all its mentions: a list of guesses says nothing. What it says is right where `metrics.lexical`
gives it full credit, inflected forms too, for a sentence is not written in the words of a list. The
official rule (`metrics.labels`) asks for the published name to the letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

from metrics.inflection import phrase_keys
from metrics.labels import accepted, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from metrics.truth import TrueName

READING_VERSION = 2
"""Raised when sentences are judged otherwise: since 2 an inflected true name is right."""

_TOKEN = re.compile(r"[^\W_]+|[^\w\s/\-]")
"""A word, or a punctuation mark; blanks, "_", "/" and "-" only part words, as in `normalise`."""
_QUOTES = str.maketrans("\u2018\u2019", "''")


def fold(text: str) -> str:
    """Unicode compatibility forms as one, and typographic apostrophes as the plain one."""
    return unicodedata.normalize("NFKC", text).translate(_QUOTES)


@dataclass(frozen=True)
class Mention:
    """One occurrence of a name.

    Attributes:
        start: Its first character in the folded text.
        end: The character behind its last.
        said: The name as mentioned, ready to be judged as a label.
        concepts: What it may stand for.
    """

    start: int
    end: int
    said: str
    concepts: frozenset[int]


@dataclass
class Lexicon:
    """Phrases to look for, each a name of one concept or of several."""

    _exact: dict[str, tuple[str, set[int]]] = field(default_factory=dict)
    _inflected: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _lengths: set[int] = field(default_factory=set)

    def add(self, phrase: str, concept: int) -> None:
        """Make a phrase a name of a concept; marks at its end, as a sentence has, are no part."""
        words = [match[0].casefold() for match in _TOKEN.finditer(fold(phrase))]
        while words and not words[-1].isalnum():
            words.pop()
        if not words:
            return
        joined = " ".join(words)
        self._lengths.add(len(words))
        self._exact.setdefault(joined, (phrase, set()))[1].add(concept)
        for key in phrase_keys(joined):
            self._inflected[key].add(concept)

    def find(self, text: str) -> list[Mention]:
        """All mentions in a folded text, none overlapping another, in order.

        The longest (in words) comes first, of equals the leftmost. Where a name is mentioned
        exactly, names that it may be an inflection of are not.
        """
        tokens = list(_TOKEN.finditer(text))
        words = [token[0].casefold() for token in tokens]
        taken = [False] * len(words)
        found = []
        for length in sorted(self._lengths, reverse=True):
            for first in range(len(words) - length + 1):
                if any(taken[first : first + length]):
                    continue
                start, end = tokens[first].start(), tokens[first + length - 1].end()
                hit = self._look_up(" ".join(words[first : first + length]), text[start:end])
                if hit is not None:
                    found.append(Mention(start, end, *hit))
                    taken[first : first + length] = [True] * length
        return sorted(found, key=lambda mention: mention.start)

    def _look_up(self, joined: str, surface: str) -> tuple[str, frozenset[int]] | None:
        exact = self._exact.get(joined)
        if exact is not None:
            # The same words may be set apart otherwise: "St.Bernard" for "St. Bernard".
            said = surface if normalise(surface) == normalise(exact[0]) else exact[0]
            return said, frozenset(exact[1])
        concepts = {c for key in phrase_keys(joined) for c in self._inflected.get(key, ())}
        return (surface, frozenset(concepts)) if concepts else None


@dataclass(frozen=True)
class Form:
    """A sentence with a gap in place of every mention.

    Attributes:
        pieces: The text around the gaps; one more than there are gaps.
        capital: Whether the sentence begins with a gap, and with a capital letter.
    """

    pieces: tuple[str, ...]
    capital: bool = False

    def fill(self, name: str) -> str:
        """The sentence with a name in every gap; nothing else is changed, articles neither."""
        first = name[:1].upper() + name[1:] if self.capital else name
        head, rest = self.pieces[0], self.pieces[1:]
        return head + "".join((name if n else first) + piece for n, piece in enumerate(rest))


BARE = Form(("", ""))
"""No sentence at all around the name."""


class SentenceReader:
    """From a sentence to the names that it says; a `metrics.readings.Reader`."""

    def __init__(self, truths: Iterable[TrueName]) -> None:
        """Learn a category.

        Args:
            truths: All true names of a layer. Those of one published name are one concept.
        """
        names = sorted(truths, key=lambda truth: (normalise(truth.name), truth.name))
        concepts = {key: n for n, key in enumerate(dict.fromkeys(normalise(t.name) for t in names))}
        self._names, self._broader = Lexicon(), Lexicon()
        broader: dict[str, int] = {}
        for truth in names:
            # As published where that is a spelling of it, for a rule may ask for just that.
            forms = {normalise(text): text for text in (*truth.synonyms, truth.name)}
            for text in (forms[name] for name in sorted(accepted(truth))):
                self._names.add(text, concepts[normalise(truth.name)])
            for text in truth.hypernyms:
                self._broader.add(text, broader.setdefault(normalise(text), len(broader)))
        self.listing = ", ".join(dict.fromkeys(truth.name for truth in names))
        """One label that lists every true name."""

    def __call__(self, label: str) -> tuple[str, ...]:
        """What a sentence says, each to be judged as a label of its own.

        Returns:
            The names as mentioned, where all mentions have one concept in common: those that stand
            for nothing more, or all of them joined by commas (which is right where each is). A
            hypernym, where no name and no second hypernym is mentioned. Else nothing.
        """
        text = fold(label)
        return _said(self._names.find(text) or self._broader.find(text))

    def form(self, label: str) -> Form | None:
        """The sentence with gaps for the names that it mentions; None where it mentions none."""
        text = fold(label)
        mentions = self._names.find(text)
        if not mentions:
            return None
        edges = [0, *(edge for m in mentions for edge in (m.start, m.end)), len(text)]
        pieces = tuple(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
        return Form(pieces, capital=not pieces[0] and text[:1].isupper())


def sentence_reader(truths: Mapping[int, TrueName]) -> SentenceReader:
    """The reader of a layer's sentences.

    Args:
        truths: True names by unit.
    """
    return SentenceReader(truths.values())


def _said(mentions: Sequence[Mention]) -> tuple[str, ...]:
    if not mentions:
        return ()
    common = reduce(frozenset.intersection, (mention.concepts for mention in mentions))
    if not common:
        return ()
    tight = dict.fromkeys(m.said for m in mentions if m.concepts == common)
    if tight:
        return tuple(tight)
    # "jack, rook" where each has two meanings and one is shared: right is who bears both names.
    return (", ".join(dict.fromkeys(mention.said for mention in mentions)),)
