from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.inflection import lemmas
from metrics.lexical import lexical_credits, lexical_match
from metrics.truth import TrueName


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cloud", "clouds"), ("knife", "knives"), ("snowman", "snowmen"), ("box", "boxes"),
        ("cherry", "cherries"), ("stripe", "striped"), ("stripes", "striped"), ("dot", "dotted"),
        ("frown", "frowning"), ("frowns", "frowned"), ("zigzag", "zigzagged"), ("skate", "skating"),
        ("run", "running"), ("ran", "running"), ("potato", "potatoes"), ("goose", "geese"),
        ("label", "labelled"), ("label", "labeled"), ("checker", "checkered"), ("red", "redder"),
        ("bus", "buses"), ("church", "churches"), ("quilt", "quilted"), ("squid", "squids"),
    ],
)  # fmt: skip
def test_inflections_of_one_word(one, other):
    truth = TrueName(one, (one,))
    assert lexical_match(other, truth) == 1.0
    assert lexical_match(one, TrueName(other, (other,))) == 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("car", "caring"), ("plan", "planed"), ("corn", "corner"), ("flow", "flower"),
        ("see", "seed"), ("princess", "princes"), ("str", "string"), ("ring", "red"),
        ("new", "news"), ("even", "evening"), ("ear", "earring"), ("tow", "tower"),
        ("bring", "bred"), ("she", "shed"), ("speciman", "specimen"), ("glass", "glas"),
        ("wing", "we"), ("numb", "number"), ("bus", "bu"), ("hop", "hoping"),
    ],
)  # fmt: skip
def test_look_alikes_are_not_inflections(one, other):
    assert lexical_match(other, TrueName(one, (one,))) == 0.0
    assert lexical_match(one, TrueName(other, (other,))) == 0.0


def test_synonym_then_hypernym_then_nothing():
    truth = TrueName("umbrella", ("umbrella", "brolly"), ("rain gear", "accessory"))
    assert lexical_match("Brollies", truth) == 1.0
    assert lexical_match("rain-gear", truth) == 0.5
    assert lexical_match("accessories", truth) == 0.5
    assert lexical_match("rain", truth) == 0.0
    assert lexical_match("", truth) == 0.0
    assert lexical_match("umbrella, brolly", truth) == 1.0
    assert lexical_match("umbrella, accessory", truth) == 0.5
    assert lexical_match("umbrella, dog", truth) == 0.0


def test_every_word_of_a_phrase_may_be_inflected():
    truth = TrueName("bird of prey", ("bird of prey",))
    assert lexical_match("birds of prey", truth) == 1.0
    assert lexical_match("bird of", truth) == 0.0
    assert lexical_match("shooting stars", TrueName("x", ("shooting star",))) == 1.0


def test_words_of_other_alphabets_have_no_base():
    assert lemmas("été") == {"été"}
    assert lemmas("3ds") == {"3ds"}


@given(st.text(alphabet="abceginrstdy", min_size=1, max_size=9))
def test_a_word_is_a_form_of_itself_and_matching_is_symmetric(word):
    assert word in lemmas(word)
    for base in lemmas(word):
        one, other = TrueName(word, (word,)), TrueName(base, (base,))
        assert lexical_match(base, one) == lexical_match(word, other) == 1.0


PHRASES = st.sampled_from(
    ["cat", "cats", "dog", "dogs, cats", "animal", "animals", "big cat", "Big_Cats", ",", "dog,",
     "cat, animal", "zebra", "striped", "stripes"]
)  # fmt: skip


@given(
    st.lists(PHRASES, min_size=1, max_size=10),
    st.lists(PHRASES, min_size=1, max_size=3),
    st.lists(PHRASES, max_size=2),
)
def test_the_index_equals_pairwise_credit(concepts, names, hypernyms):
    truth = TrueName(names[0], tuple(names), tuple(hypernyms))
    ((indices, credits),) = lexical_credits([truth], concepts)
    dense = np.zeros(len(concepts))
    dense[indices] = credits
    assert dense.tolist() == [lexical_match(concept, truth) for concept in concepts]
    assert np.all(np.diff(indices) > 0)


def test_a_large_vocabulary_is_quick():
    letters = "bcdfgklmnprst"
    concepts = [
        f"{a}a{b}i{c}o{d}" for a in letters for b in letters for c in letters for d in letters
    ]
    truths = [TrueName(c, (c, c + "s")) for c in concepts[:: len(concepts) // 100][:100]]
    start = time.perf_counter()
    found = lexical_credits(truths, concepts[:20_000])
    assert time.perf_counter() - start < 10  # some 0.3 s on an idle core
    assert sum(indices.size for indices, _ in found) >= 60
