"""Find the true names of a layer that a sentence mentions.

The names are all published names and synonyms of the layer's units. A mention is a whole-word
occurrence, exact or inflected, in any case; the longest match counts, so "chess knight" does not
mention a knight. A sentence counts only if all its mentions have one true name in common, so that a
list of guesses earns nothing. A mention is right where `metrics.lexical` gives it full credit,
inflected forms included. The official rule (`metrics.labels`) asks for the exact published name.
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
    from collections.abc import Iterable, Sequence

    from metrics.truth import TrueName

READING_VERSION = 2
"""Increase it when sentences are read differently; since 2 an inflected true name is right."""

_TOKEN = re.compile(r"[^\W_]+|[^\w\s/\-]")
"""A word or a punctuation mark; blanks, "_", "/" and "-" separate words, as in `normalise`."""
_QUOTES = str.maketrans("\u2018\u2019", "''")


def fold(text: str) -> str:
    """Fold Unicode compatibility forms, and typographic apostrophes to the plain one."""
    return unicodedata.normalize("NFKC", text).translate(_QUOTES)


@dataclass(frozen=True)
class Mention:
    """One occurrence of a name.

    Attributes:
        start: Its first character in the folded text.
        end: The character behind its last.
        name: The name as mentioned, which can be scored as a label.
        concepts: True names that it may stand for.
    """

    start: int
    end: int
    name: str
    concepts: frozenset[int]


@dataclass
class Lexicon:
    """Phrases to look for, each a name of one concept or of several."""

    _exact: dict[str, tuple[str, set[int]]] = field(default_factory=dict)
    _inflected: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _lengths: set[int] = field(default_factory=set)

    def add(self, phrase: str, concept: int) -> None:
        """Add a phrase as a name of a concept, without punctuation at its end."""
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
        """Return all mentions in a folded text in order, without overlaps.

        Longer mentions (in words) win over shorter ones, of equals the leftmost. A name that is
        mentioned exactly is not taken for an inflection of another name.
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
            # Words may be separated differently: "St.Bernard" for "St. Bernard".
            name = surface if normalise(surface) == normalise(exact[0]) else exact[0]
            return name, frozenset(exact[1])
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
        """Put a name in every gap, and change nothing else."""
        first = name[:1].upper() + name[1:] if self.capital else name
        head, rest = self.pieces[0], self.pieces[1:]
        return head + "".join((name if n else first) + piece for n, piece in enumerate(rest))


BARE = Form(("", ""))
"""The bare name, without a sentence around it."""


class SentenceReader:
    """Returns the names that a sentence counts as; a `metrics.formulas.Reader`."""

    def __init__(self, truths: Iterable[TrueName]) -> None:
        """Index the true names of a layer.

        Args:
            truths: All true names of a layer; those with equal published names are one concept.
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
        """Return the names that a sentence counts as, each to be scored as a label of its own.

        Returns:
            The names as mentioned, if all mentions have one concept in common: those that stand for
            this concept alone, or else all of them joined by commas (right if each one is). A
            hypernym, if no name and no second hypernym is mentioned. Otherwise nothing.
        """
        text = fold(label)
        return _names_of(self._names.find(text) or self._broader.find(text))

    def form(self, label: str) -> Form | None:
        """Return the sentence with gaps for the names that it mentions; None without mentions."""
        text = fold(label)
        mentions = self._names.find(text)
        if not mentions:
            return None
        edges = [0, *(edge for m in mentions for edge in (m.start, m.end)), len(text)]
        pieces = tuple(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
        return Form(pieces, capital=not pieces[0] and text[:1].isupper())


def _names_of(mentions: Sequence[Mention]) -> tuple[str, ...]:
    if not mentions:
        return ()
    common = reduce(frozenset.intersection, (mention.concepts for mention in mentions))
    if not common:
        return ()
    exact = dict.fromkeys(m.name for m in mentions if m.concepts == common)
    # "jack, rook" share one of their two meanings each: only a true name with both is right.
    return tuple(exact) or (", ".join(dict.fromkeys(mention.name for mention in mentions)),)
