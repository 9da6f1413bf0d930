"""What sentences say: whole words, the longest name, one name only."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.control_sentences import commonest_form
from metrics.labels import LabelRules, matches
from metrics.lexical import lexical_match
from metrics.sentences import BARE, Form, SentenceReader
from metrics.truth import TrueName

TRUTHS = {
    0: TrueName("heart", ("heart", "love heart"), ("symbol", "organ")),
    1: TrueName("star", ("star", "asterism"), ("symbol", "celestial body")),
    2: TrueName("chess knight", ("chess knight", "horse"), ("chess piece",)),
    3: TrueName("knight", ("knight",), ("soldier",)),
    4: TrueName("pony", ("pony", "horse", "nag"), ("animal",)),
    5: TrueName("fleur-de-lis", ("fleur-de-lis",)),
    6: TrueName("dice", ("dice",), ("toy",)),
    7: TrueName("tench, Tinca tinca", ("tench", "Tinca tinca"), ("animal",)),
    8: TrueName("St. Bernard", ("St. Bernard",)),
    9: TrueName("scissors", ("scissors",), ("tool",)),
    10: TrueName("heart", ("heart",)),
    11: TrueName("jack", ("jack", "nag", "chess piece maker")),
}
READ = SentenceReader(TRUTHS.values())


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("A red heart on the sea.", ("heart",)),
        ("heart", ("heart",)),
        ("HEART!", ("HEART",)),
        ("(a heart)", ("heart",)),
        ("a heartfelt sweetheart", ()),
        ("red-heart/sea", ("heart",)),
        ("the heart's colour", ("heart",)),
        ("a chess knight on a board", ("chess knight",)),
        ("a chess-knight", ("chess-knight",)),
        ("a knight in chess", ("knight",)),
        ("chess, knight", ("knight",)),
        ("a red Fleur de Lis", ("Fleur de Lis",)),
        ("a St. Bernard.", ("St. Bernard",)),
        ("a st bernard", ()),
        ("a tench, Tinca tinca, in a pond", ("tench, Tinca tinca",)),
        ("Tinca tinca", ("Tinca tinca",)),
        ("many hearts", ("hearts",)),
        ("a die", ("die",)),
        ("scissors", ("scissors",)),
        ("hearts and a heart", ("hearts", "heart")),
        ("a heart and a love heart", ("heart", "love heart")),
        # Two names are a list, unless one meaning of theirs is shared.
        ("a heart and a star", ()),
        ("a heart, stars", ()),
        ("a heart or a knight", ()),
        ("a horse", ("horse",)),
        ("a pony, a kind of horse", ("pony",)),
        ("a horse and a nag", ("horse, nag",)),
        ("a horse and a heart", ()),
        # Broader names, where no name and no second broader one stands.
        ("a symbol", ("symbol",)),
        ("symbols, a symbol", ("symbols", "symbol")),
        ("a symbol of an animal", ()),
        ("a heart, a symbol", ("heart",)),
        ("a chess piece", ("chess piece",)),
        ("nothing of the kind", ()),
        ("", ()),
    ],
)
def test_what_is_said(sentence, says):
    assert READ(sentence) == says


@pytest.mark.parametrize(
    ("sentence", "unit", "exact", "credit"),
    [
        ("A red heart.", 0, True, 1),
        ("A red heart.", 10, True, 1),  # two units of one name are one concept
        ("A red heart.", 1, False, 0),
        ("Red hearts.", 0, False, 1),  # inflected: no exact match, as for concept words
        ("A die", 6, False, 1),
        ("A symbol.", 1, False, 0.5),
        ("A horse.", 2, True, 1),
        ("A horse.", 4, True, 1),
        # Bears both names: the pony. The knight is a horse and no nag, the jack a nag and no horse.
        ("A horse, a nag.", 4, True, 1),
        ("A horse, a nag.", 2, False, 0),
        ("A horse, a nag.", 11, False, 0),
        ("St.Bernard", 8, True, 1),
    ],
)
def test_what_it_earns(sentence, unit, exact, credit):
    said = READ(sentence)
    assert any(matches(name, TRUTHS[unit], LabelRules()) for name in said) is exact
    assert max((lexical_match(name, TRUTHS[unit]) for name in said), default=0) == credit


def test_official_rule_wants_the_published_spelling():
    [said] = READ("the Tench, Tinca tinca")
    assert not matches(said, TRUTHS[7], LabelRules(official=True))
    [said] = READ("the tench, Tinca tinca")
    assert matches(said, TRUTHS[7], LabelRules(official=True))


def test_an_exact_name_is_no_inflection_of_another():
    read = SentenceReader([TrueName("leaf", ("leaf",)), TrueName("leaves", ("leaves",))])
    assert read("green leaves") == ("leaves",)
    assert read("a leaf and leaves") == ()


def test_leftmost_of_equally_long_names():
    read = SentenceReader(
        [TrueName("fire truck", ("fire truck",)), TrueName("truck driver", ("truck driver",))]
    )
    assert read("a fire truck driver") == ("fire truck",)


NAMES = sorted({name for truth in TRUTHS.values() for name in truth.synonyms})
FILL = st.sampled_from(["a", "red", "on the", "sea", "near", ",", "blurry", "sweetheart"])
SENTENCES = st.lists(st.one_of(FILL, st.sampled_from(NAMES)), max_size=6).map(" ".join)


@given(SENTENCES, st.permutations(list(TRUTHS)))
def test_the_order_of_units_is_nothing(sentence, order):
    moved = SentenceReader(({place: TRUTHS[unit] for place, unit in enumerate(order)}).values())
    assert moved(sentence) == READ(sentence)
    assert moved.listing == READ.listing


@given(SENTENCES)
def test_case_and_marks_are_nothing(sentence):
    plain = tuple(name.casefold() for name in READ(sentence))
    assert tuple(name.casefold() for name in READ(f" {sentence.upper()}!? ")) == plain
    assert tuple(name.casefold() for name in READ(f"“{sentence.title()}”")) == plain


@given(SENTENCES, st.text(string.ascii_lowercase, min_size=1, max_size=3))
def test_parts_of_words_are_no_mention(sentence, glue):
    """Glued to letters on both sides no name is left; what inflection makes of one is none here."""
    glued = " ".join(f"x{glue}{word}{glue}x" for word in sentence.split())
    assert READ(glued) == ()


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=8))
def test_a_list_earns_no_more_than_its_common_concept(names):
    """By brute force: right for a unit is a list of nothing but its names."""
    holders = {
        name: {truth.name for truth in TRUTHS.values() if name in truth.synonyms} for name in names
    }
    said = READ("; ".join(names))
    common = set.intersection(*holders.values())
    for unit, truth in TRUTHS.items():
        right = any(matches(name, truth, LabelRules()) for name in said)
        # Unit 10 knows fewer synonyms of its name than unit 0 does.
        assert right == (truth.name in common) or (unit == 10 and not right)


def test_the_listing_says_nothing():
    assert READ.listing.count("heart") == 1
    assert READ(READ.listing) == ()


def test_forms():
    form = READ.form("A red heart on the sea.")
    assert form == Form(("A red ", " on the sea."))
    assert form.fill("star") == "A red star on the sea."
    assert READ.form("Hearts, a chess knight").fill("star") == "Star, a star"
    assert READ.form("no name") is None
    assert READ.form("a symbol") is None
    assert BARE.fill("star") == "star"


def test_the_commonest_form():
    said = ["a heart", "a red star", "a knight", "nothing", "a red heart", "the star"]
    assert commonest_form(READ, said) == Form(("a ", ""))
    assert commonest_form(READ, said[3:4]) == BARE
    assert commonest_form(READ, []) == BARE
