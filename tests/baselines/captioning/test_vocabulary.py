"""Tokens, vocabulary, and sentences put together again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.captioning.vocabulary import SPECIALS, Vocabulary, reconstruct, tokenise


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A T-shirt, red.", ["a", "t", "-", "shirt", ",", "red", "."]),
        ("it's", ["it", "'s"]),
        ("It\u2019s dogs' tails", ["it", "'s", "dogs", "'", "tails"]),
        ("don't can't", ["do", "n't", "ca", "n't"]),
        ("they've we're I'll I'd I'm", ["they", "'ve", "we", "'re", "i", "'ll", "i", "'d", "i", "'m"]),  # noqa: E501
        ("o'clock isn't'", ["o'clock", "is", "n't", "'"]),
        ("3.5 and 1,000 3d 1980s", ["3.5", "and", "1,000", "3d", "1980s"]),
        ("eyes/ears (faces)...", ["eyes", "/", "ears", "(", "faces", ")", "..."]),
        ("caf\u00e9 na\u00efve snake_case", ["caf\u00e9", "na\u00efve", "snake", "_", "case"]),
        ("", []),
        (" \n\t", []),
    ],
)  # fmt: skip
def test_tokens(text: str, tokens: list[str]) -> None:
    assert tokenise(text) == tokens


@given(st.text())
def test_tokens_lose_nothing_but_blanks(text: str) -> None:
    expected = "".join(text.lower().replace("\u2019", "'").split())
    assert "".join("".join(tokenise(text)).split()) == expected
    assert not set(tokenise(text)) & set(SPECIALS)


def test_words_by_frequency_then_alphabet_then_specials() -> None:
    vocabulary = Vocabulary.build(["b a c", "c b", "c d d"])
    assert vocabulary.words == ("c", "b", "d", "a")
    assert len(vocabulary) == 8
    assert (vocabulary.start, vocabulary.stop, vocabulary.pad, vocabulary.unk) == (4, 5, 6, 7)
    assert Vocabulary.build(["b a c", "c b", "c d d"], min_count=2).words == ("c", "b", "d")
    with pytest.raises(ValueError, match="at least one word"):
        Vocabulary.build(["once"], min_count=2)
    with pytest.raises(ValueError, match="distinct"):
        Vocabulary(("a", "a"))


def test_encoding_fills_up_and_cuts() -> None:
    vocabulary = Vocabulary(("red", "dog"))
    assert vocabulary.encode("red cat dog", 5) == [2, 0, 5, 1, 3, 4]
    assert vocabulary.encode("red dog red", 3) == [2, 0, 1, 0]  # unfinished: no stop
    assert vocabulary.encode("red dog", 3) == [2, 0, 1, 3]
    assert vocabulary.encode("", 2) == [2, 3, 4]


def test_reconstruction() -> None:
    tokens = ["a", "t", "-", "shirt", ",", "it", "'s", "red", ".", "do", "n't", "; ", "<unk>"]
    tokens = [token.strip() for token in tokens]
    assert reconstruct(tokens) == "A t-shirt, it's red. Don't;"
    assert reconstruct(["<start>", "Red", "<stop>", "dog"]) == "Red"
    assert reconstruct(["<start>", "<stop>"]) == ""
    assert reconstruct(["<pad>", "<unk>"]) == ""
    assert reconstruct(["what", "?", "this", "!", "\u00e9t\u00e9"]) == "What ? This ! \u00c9t\u00e9"


@pytest.mark.parametrize("text", ["A t-shirt, it's red.", "Red; blue: don't. O'clock", "Eyes"])
def test_plain_sentences_survive_the_way_there_and_back(text: str) -> None:
    vocabulary = Vocabulary.build([text])
    assert reconstruct(vocabulary.decode(vocabulary.encode(text, 15))) == text
