"""Words of captions, and how often images suggest them.

The published code takes nouns, verbs, adjectives and noun phrases by TextBlob, and lemmatises them
with WordNet. Here every word counts that is not in a stop list, as do neighbouring words; plurals
become singular by their endings.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STOPPED = """
a about above across after again against all almost along already also although always am among
an and another any anyone anything are around as at away back be became because become been
before behind being below beneath beside besides best better between beyond both but by came can
cannot come could did do does doing done down during each either else enough etc even ever every
everyone everything few find first for found four free from full further gave get give go goes
going good got had has have having he her here hers herself him himself his how however if in
inside instead into is it its itself just keep last least less let like made make many may maybe
me might mine more most much must my myself near nearly need never new next no nobody none nor
not nothing now of off often on once one only onto or other others our ours out outside over own
per perhaps put quite rather really said same say see seem seen several shall she should show
shown since so some someone something still such take taken than that the their theirs them
then there these they thing this those though three through thus to together too toward towards
two under until up upon us use used using various very via was way we well went were what when
where whether which while who whole whom whose why will with within without would yet you your
yours yourself
background clipart download front image illustration jpg photo photograph photography picture
png shot side stock vector view wallpaper
"""
_STOP = frozenset(_STOPPED.split())
"""Words that name nothing, and words about pictures."""

DIGITS = 6
"""Digits of the scores by which words are ordered."""


@lru_cache(1 << 16)
def terms(caption: str, longest: int = 2) -> tuple[str, ...]:
    """Return the words of a caption, and runs of up to `longest` words, each once.

    Small letters; without apostrophes, other signs, numbers, "fig12", stop words and words of one
    or two letters. A run has no left-out word inside.
    """
    text = re.sub(r"['’`]", "", caption.lower())
    runs: list[list[str]] = [[]]
    for word in re.findall(r"[^\W_]+|[^\w\s]", text):
        kept = len(word) > 2 and word.isalpha() and word not in _STOP
        if kept:
            runs[-1].append(singular(word))
        else:
            runs.append([])
    found = [
        " ".join(run[at : at + length])
        for length in range(longest, 0, -1)
        for run in runs
        for at in range(len(run) - length + 1)
    ]
    return tuple(dict.fromkeys(found))


def singular(word: str) -> str:
    """Return a word without the ending of a plural; words such as "glass" and "bus" stay."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(ss|x|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if re.search(r"[^sui]s$", word) else word


def score_terms(
    captions: Iterable[Sequence[tuple[str, float]]], *, longest: int = 2
) -> dict[str, float]:
    """Return each term's mean score over images: the highest of the image's captions with it.

    Args:
        captions: For each image its captions with their scores.
        longest: Maximum number of words of a term.
    """
    totals: dict[str, float] = {}
    count = 0
    for own in captions:
        count += 1
        best: dict[str, float] = {}
        for caption, score in own:
            for term in terms(caption, longest):
                best[term] = max(score, best.get(term, 0.0))
        for term, score in best.items():
            totals[term] = totals.get(term, 0.0) + score
    return {term: total / count for term, total in totals.items()}


def order_terms(scores: dict[str, float]) -> list[tuple[str, float]]:
    """Return terms by descending score; of scores equal to six digits the longer, then A to Z.

    Captions far from an image have tiny scores, which must not put a word before its phrase.
    """
    return sorted(
        scores.items(), key=lambda pair: (-round(pair[1], DIGITS), -len(pair[0].split()), pair[0])
    )
