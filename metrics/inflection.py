"""Regular English inflection by rule, with small tables of exceptions.

The rules are part of the definition of `lexical_match` and were fixed before any scoring. Two words
are forms of one another when they share a base: "frowns", "frowned" and "frowning" share "frown". A
base is only accepted if the forward spelling rules produce the word from it, so "caring" has the
base "care" and not "car". Derivation is left out on purpose: an open "-er" rule would make "corner"
a form of "corn" and "flower" of "flow"; comparatives exist for listed adjectives only.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product

_VOWELS = "aeiou"


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Inflected form -> base. Words made by the regular rules need no entry.
_IRREGULAR: dict[str, str] = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "mice": "mouse",
    "lice": "louse", "geese": "goose", "feet": "foot", "teeth": "tooth", "oxen": "ox",
    "dice": "die", "leaves": "leaf", "wolves": "wolf", "knives": "knife", "lives": "life",
    "wives": "wife", "halves": "half", "shelves": "shelf", "calves": "calf", "elves": "elf",
    "hooves": "hoof", "loaves": "loaf", "scarves": "scarf", "thieves": "thief", "selves": "self",
    "bookshelves": "bookshelf", "quizzes": "quiz", "cacti": "cactus", "fungi": "fungus",
    "ran": "run", "swam": "swim", "swum": "swim", "flew": "fly", "flown": "fly", "sat": "sit",
    "stood": "stand", "shone": "shine", "frozen": "freeze", "froze": "freeze", "broken": "break",
    "broke": "break", "woven": "weave", "wove": "weave", "worn": "wear", "driven": "drive",
    "drove": "drive", "ridden": "ride", "rode": "ride", "written": "write", "wrote": "write",
    "drawn": "draw", "drew": "draw", "eaten": "eat", "fallen": "fall", "fell": "fall",
    "grown": "grow", "grew": "grow", "knitted": "knit", "bent": "bend", "built": "build",
    "burnt": "burn", "lit": "light", "shot": "shoot", "spun": "spin", "swung": "swing",
    "sang": "sing", "sung": "sing", "rang": "ring", "rung": "ring", "bitten": "bite",
    "caught": "catch", "taught": "teach", "bought": "buy", "slept": "sleep", "swept": "sweep",
    "hung": "hang", "held": "hold", "lying": "lie", "dying": "die", "tying": "tie", "tied": "tie",
}  # fmt: skip

# Words that look like a form of another word, and are not.
_NOT_INFLECTED = _words(
    "news evening morning ceiling herring bearing pudding hundred sacred naked wicked kindred "
    "species series bias canvas atlas iris chaos physics lens inning awning offing"
)

# Words in "-men" that are not a plural of a compound with "-man", unlike "snowmen".
_NOT_MEN = _words("omen semen specimen stamen abdomen regimen acumen women")

_GRADED = _words(
    "red green blue black white grey gray brown pink dark light bright pale deep big small large "
    "tiny huge long short tall high low wide narrow thick thin round flat sharp smooth rough soft "
    "hard old new young fast slow hot cold warm cool wet dry clean dirty shiny dull heavy happy "
    "sad spotty stripy"
)


def _is_base(word: str) -> bool:
    """Return whether a word is long enough, and has a vowel besides a final "e", for endings."""
    stem = word[:-1] if word.endswith("e") else word
    return len(word) >= 3 and any(letter in "aeiouy" for letter in stem)


def _doubles(word: str) -> tuple[bool, bool]:
    """Return whether the last consonant may double before a vowel, and whether it must."""
    short = (
        len(word) >= 3
        and word[-1] not in "aeiouwxy"
        and word[-2] in _VOWELS
        and (word[-3] not in _VOWELS or word[-4:-2] == "qu")
    )
    # Stress decides in longer words (zigzagged, but opened), and spelling varies (labelled).
    one_syllable = len(re.findall(r"[aeiouy]+", word)) == 1
    return short, short and one_syllable


def _stems(word: str) -> set[str]:
    """Return the forms of a word before an ending that begins with a vowel."""
    if word.endswith("e") and not word.endswith(("ee", "oe", "ye")):
        return {word[:-1]}
    may, must = _doubles(word)
    stems = set() if must else {word}
    return stems | {word + word[-1]} if may else stems


def _forms(base: str) -> set[str]:
    """Return all regular inflections of a base: -s, -ing, -ed; -er, -est of listed adjectives."""
    cons_y = base.endswith("y") and base[-2] not in _VOWELS
    if cons_y:
        forms = {base[:-1] + "ies"}
    elif base.endswith(("s", "x", "z", "ch", "sh")):
        forms = {base + "es"}
    elif base.endswith("o"):
        forms = {base + "s", base + "es"}
    else:
        forms = {base + "s"}
    forms |= {stem + "ing" for stem in _stems(base)}
    past = {base[:-1] + "i"} if cons_y else _stems(base)
    if not base.endswith("ee"):  # "seed" is not a form of "see"
        forms |= {base + "d"} if base.endswith("e") else {stem + "ed" for stem in past}
    if base in _GRADED:
        stems = {base[:-1]} if base.endswith("e") else past
        forms |= {stem + ending for stem in stems for ending in ("er", "est")}
    return forms


@lru_cache(maxsize=1 << 16)
def lemmas(word: str) -> frozenset[str]:
    """Return the word and every base that it may be an inflection of.

    Args:
        word: One lower-case word.

    Returns:
        At least the word; words of other letters than a-z have no base.
    """
    found = {word}
    if word in _NOT_INFLECTED or not (word.isascii() and word.isalpha()):
        return frozenset(found)
    if word in _IRREGULAR:
        found.add(_IRREGULAR[word])
    elif word.endswith("men") and len(word) > 4 and word not in _NOT_MEN:
        found.add(word[:-3] + "man")
    guesses = set()
    for ending in ("s", "es", "ed", "d", "ing", "er", "est"):
        stem = word.removesuffix(ending)
        if stem != word and stem:
            guesses |= {stem, stem + "e", stem[:-1]}
            guesses |= {stem[:-1] + "y"} if stem.endswith("i") else set()
    found |= {guess for guess in guesses if _is_base(guess) and word in _forms(guess)}
    return frozenset(found)


@lru_cache(maxsize=1 << 16)
def phrase_keys(phrase: str) -> frozenset[str]:
    """Return the keys of a normalised phrase; phrases that share a key are inflections of another.

    Every word may be inflected (birds of prey, shooting stars). Phrases of more than five words
    have themselves as the only key.
    """
    words = phrase.split(" ")
    if len(words) > 5:
        return frozenset({phrase})
    return frozenset(" ".join(choice) for choice in product(*(lemmas(word) for word in words)))
