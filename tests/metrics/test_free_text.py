"""Scores and controls of labels that are sentences."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.aggregate import OPTIONAL
from metrics.catalog import AVERAGES
from metrics.labels import LabelRules
from metrics.lexical import lexical_match
from metrics.scoring import score
from metrics.sentences import SentenceReader
from metrics.truth import TrueName

TRUTH = {
    0: TrueName("heart", ("heart", "love heart"), ("symbol",), "seen"),
    1: TrueName("star", ("star",), ("symbol",), "seen"),
    2: TrueName("chess knight", ("chess knight", "horse"), ("chess piece",), "unseen"),
    3: TrueName("dice", ("dice",), ("toy",), "unseen"),
    4: TrueName("umbrella", ("umbrella", "brolly"), (), "unseen"),
}
READ = SentenceReader(TRUTH.values())
TEXT = ("sentence_cosine", "sentence_cosine_best_synonym", "clip_cosine")


def embedder(texts):
    """Bags of letters and of words: what shares words is near, and a longer text is farther."""
    rows = np.zeros((len(texts), 64 + 26), np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().replace(",", " ").replace(".", " ").split():
            rows[row, sum(word.encode()) * 7 % 64] += 3
        for letter in text.lower():
            if letter.isalpha():
                rows[row, 64 + (ord(letter) - 97) % 26] += 0.2
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def run(labels, truth=TRUTH, **changes):
    base = {
        "labels": [[label] if isinstance(label, str) and label else list(label or [])
                   for label in labels],
        "concepts": None, "score_matrix": None, "dead": np.zeros(len(labels), bool),
        "truth": truth, "sentence": embedder, "clip_text": embedder,
        "reader": SentenceReader(truth.values()),
    }  # fmt: skip
    base["label_scores"] = [[0.5] * len(row) for row in base["labels"]]
    return score(**(base | changes))


SAID = ["A red heart on the sea.", "A red symbol.", "A knight, a horse.", "A heart and a dice.", ""]


PLURALS = ["Red hearts on the sea", "STARS", "A pony", "two dice, a die", "umbrellas and hearts"]


def test_an_inflected_name_is_right_as_it_is_for_lexical_match():
    units = run(PLURALS).units
    assert units["lexical_match"].tolist() == [1, 1, 0, 1, 0]
    assert units["accuracy_at_1"].tolist() == [1, 1, 0, 1, 0]
    assert units["accuracy_at_5"].tolist() == [1, 1, 0, 1, 0]
    # The published rule asks for the name to the letter, and so does a concept word.
    official = run(PLURALS, rules=LabelRules(official=True)).units
    assert official["accuracy_at_1"].tolist() == [0, 0, 0, 1, 0]
    assert official["lexical_match"].tolist() == [1, 1, 0, 1, 0]
    words = run(["hearts", "stars", "pony", "dice", "umbrellas"], reader=None).units
    assert words["accuracy_at_1"].tolist() == [0, 0, 0, 1, 0]


def test_another_units_name_is_no_inflection():
    truth = {
        0: TrueName("sunglass", ("sunglass",), lookalikes=("sunglasses",)),
        1: TrueName("sunglasses", ("sunglasses",), lookalikes=("sunglass",)),
    }
    for reader in (None, SentenceReader(truth.values())):
        units = run(["sunglasses", "Sunglasses"], truth, reader=reader).units
        assert units["lexical_match"].tolist() == [0, 1]
        assert units["accuracy_at_1"].tolist() == [0, 1]


def test_accuracy_is_containment_of_one_name():
    units = run(SAID).units
    assert units["accuracy_at_1"].tolist() == [1, 0, 1, 0, 0]
    assert units["lexical_match"].tolist() == [1, 0.5, 1, 0, 0]


def test_five_sentences():
    found = run([["nothing", "a heart and a star", "a heart"], *SAID[1:]])
    assert found.units["accuracy_at_5"].tolist() == [1, 0, 1, 0, 0]
    assert found.units["accuracy_at_1"].tolist() == [0, 0, 1, 0, 0]


def test_every_control_has_every_score():
    found = run(SAID)
    assert set(found.controls) == {"chance", "constant", "shuffled", "oracle", "listed"}
    names = set(found.values) - {"coverage"}
    assert all(set(entries) == names for entries in found.controls.values())
    for name, metric in AVERAGES.items():
        if "rank" in metric.column or name in OPTIONAL:
            continue
        assert found.controls["oracle"][name].value is not None
        assert found.controls["constant"][name].value is not None
        assert found.values[name].ceiling == found.controls["oracle"][name].value
        assert (found.values[name].chance is None) == (name != "nearest_name")
    json.dumps(found.to_json(), allow_nan=False)


def test_constant_is_the_best_sentence_in_use():
    constant = run(SAID).controls["constant"]
    used = [text for text in SAID if text]
    table = np.array(
        [[max((lexical_match(n, t) for n in READ(s)), default=0) for s in used]
         for t in TRUTH.values()]
    )  # fmt: skip
    assert constant["lexical_match"].value == table.mean(axis=0).max()
    vectors = embedder(used) @ embedder([t.name for t in TRUTH.values()]).T
    best = int(vectors.mean(axis=1).argmax())
    assert constant["sentence_cosine"].value == pytest.approx(vectors.mean(axis=1).max(), abs=1e-6)
    assert constant["sentence_cosine"].detail == {"concept": used[best]}
    assert constant["distinct_labels"].value == 1


def test_the_ceiling_is_the_truth_in_the_methods_own_form():
    """Units 1, 3, 4 say no name, or two: their sentences are made from their own or the common."""
    labels = ["A red heart on the sea.", "A red symbol.", "A red heart on the sea.",
              "A heart and a dice.", ""]  # fmt: skip
    oracle = run(labels).controls["oracle"]
    form = "A red {} on the sea."
    written = [
        [form.format("heart"), form.format("love heart")],
        [form.format("star")],
        [form.format("chess knight"), form.format("horse")],
        ["A dice and a dice."],
        [form.format("umbrella"), form.format("brolly")],
    ]
    values = [
        (embedder(texts) @ embedder([truth.name])[0]).max()
        for texts, truth in zip(written, TRUTH.values(), strict=True)
    ]
    assert oracle["sentence_cosine"].value == pytest.approx(np.mean(values), abs=1e-6)
    assert oracle["accuracy_at_1"].value == oracle["lexical_match"].value == 1
    assert oracle["sentence_cosine"].value < 1


def test_without_a_form_the_ceiling_is_the_bare_name():
    oracle = run(["nothing", "of", "", "the", "kind"]).controls["oracle"]
    assert oracle["sentence_cosine"].value == pytest.approx(1)
    silent = run([""] * 5)
    assert silent.controls["oracle"]["lexical_match"].value == 1
    assert silent.controls["constant"]["lexical_match"].reason == "no unit has a label"
    json.dumps(silent.to_json(), allow_nan=False)


WORDS = ["a", "red", "on the sea", "heart", "love heart", "star", "chess knight", "horse", "dice",
         "umbrella", "brolly", "and", "blue", "hearts"]  # fmt: skip
SENTENCE = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)


@given(st.lists(SENTENCE, min_size=5, max_size=5))
@settings(max_examples=30, deadline=None)
def test_right_sentences_are_below_their_ceiling_and_lists_earn_nothing(labels):
    found = run(labels)
    right = [u for u in TRUTH if found.units.loc[u, "lexical_match"] == 1]
    if right:
        part = run(labels, truth={u: TRUTH[u] for u in right}, reader=READ)
        for name in (*TEXT, "accuracy_at_1", "lexical_match", "nearest_name"):
            if part.values[name].value is not None:
                assert part.controls["oracle"][name].value >= part.values[name].value - 1e-9
    listed = found.controls["listed"]
    assert listed["accuracy_at_1"].value == listed["accuracy_at_5"].value == 0
    assert listed["lexical_match"].value == 0
    assert listed["nearest_name"].value <= 1 / 5


def test_a_method_that_lists_does_not_win():
    """Against one that names every second unit in a sentence of its own."""
    names = ", ".join(truth.name for truth in TRUTH.values())
    lists = run([f"A picture of {names}."] * 5)
    half = run(["A red heart.", "A thing.", "A red horse.", "A thing.", "A red umbrella."])
    for name in ("accuracy_at_1", "lexical_match", "nearest_name"):
        assert lists.values[name].value < half.values[name].value, name
        assert half.controls["listed"][name].value < half.values[name].value, name
    assert lists.values["accuracy_at_1"].value == 0
    # A cosine pays a list that holds the name for not being wrong; the right sentence gets more.
    right = run([f"A red {truth.name}." for truth in TRUTH.values()])
    for name in TEXT:
        assert right.controls["listed"][name].value < right.values[name].value, name


def test_closed_labels_have_no_listed_control():
    found = run(["heart"] * 5, concepts=("heart", "star"), reader=None)
    assert "listed" not in found.controls
