"""Answers that are sets of words: exact, F1, first word and weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.aggregate import aggregate_units
from metrics.answers import Answer, answer_columns, read_answers
from metrics.catalog import ANSWER_METRICS
from metrics.formulas import FormulaReader
from metrics.scoring import score
from metrics.truth import TrueName

if TYPE_CHECKING:
    from metrics.scores import ScoringResult

UMBRELLA = TrueName("umbrella", ("umbrella", "brolly"), ("shade",), "single")
ANCHOR = TrueName("anchor", ("anchor",), (), "single")
PAIR = TrueName("red umbrella", ("red umbrella",), (), "pair", concepts=("red", "umbrella"))
LAYER = (UMBRELLA, ANCHOR, PAIR)


def scores(truth: TrueName, *words: str, size: int = 0, weights: tuple[float, ...] | None = None):
    answer = Answer(words, size or len(words), weights or (1.0,) * len(words))
    [row] = answer_columns([answer], [truth], LAYER).to_dict("records")
    return [row[name] for name in ANSWER_METRICS[:4]]


@pytest.mark.parametrize(
    ("words", "single", "pair"),
    [
        (["umbrella"], [1, 1, 1, 1], [0, 2 / 3, 1, 1]),
        (["Brollies", "umbrella"], [1, 1, 1, 1], [0, 2 / 3, 1, 1]),  # one concept twice
        (["umbrella", "red"], [0, 2 / 3, 1, 1 / 2], [1, 1, 1, 1]),
        (["cat", "umbrella"], [0, 2 / 3, 0, 1 / 2], [0, 1 / 2, 0, 1 / 2]),
        (["umbrella", "cat", "dog", "red"], [0, 2 / 5, 1, 1 / 4], [0, 2 / 3, 1, 1 / 2]),
        (["shade"], [0, 0, 0, 0], [0, 0, 0, 0]),  # a broader name
        ([], [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
)
def test_sets_of_words(words: list[str], single: list[float], pair: list[float]) -> None:
    assert scores(UMBRELLA, *words) == pytest.approx(single)
    assert scores(PAIR, *words) == pytest.approx(pair)


def test_weight_is_the_share_of_positive_weight_on_right_words() -> None:
    def weight(*weights: float, size: int = 0) -> float:
        return scores(UMBRELLA, "umbrella", "cat", size=size, weights=weights)[3]

    assert weight(3.0, 1.0) == 3 / 4
    assert weight(1.0, -5.0) == 1
    assert weight(-1.0, -2.0) == 0
    assert weight(3.0, 1.0, size=4) == 3 / 6  # each unlisted word counts as the last, and as wrong


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 5_000), st.integers(0, 9))
def test_a_list_of_everything_earns_nothing(n: int, place: int) -> None:
    """The first ten of n equally weighted words are listed, one of them right."""
    words = [f"word {number}" for number in range(min(n, 10))]
    words[min(place, len(words) - 1)] = "umbrella"
    exact, f1, first, weight = scores(UMBRELLA, *words, size=n)
    assert exact == 0
    assert f1 == pytest.approx(2 / (n + 1))
    assert weight == pytest.approx(1 / n)
    assert first == (words[0] == "umbrella")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["umbrella", "anchor", "red", "cat", "dog"]), unique=True))
def test_a_wrong_word_never_helps(words: list[str]) -> None:
    before, after = scores(PAIR, *words), scores(PAIR, *words, "bird")
    assert after[0] <= before[0]
    assert after[1] <= before[1]
    assert after[3] <= before[3]


def test_answers_of_sets_and_of_formulas() -> None:
    labels, label_scores = [["a", "b"], []], [[0.9, 0.8], []]
    assert read_answers(labels, label_scores, None, None) is None
    assert read_answers(labels, label_scores, None, [1, 0]) == [
        Answer(["a"], 1, [0.9]),
        Answer([], 0, []),
    ]
    formulas = [["((umbrella OR red-c) AND (NOT cat))", "dog"], []]
    reader = FormulaReader({"umbrella": "object", "red-c": "color", "cat": "object"})
    assert read_answers(formulas, [[0.1, 0.1], []], reader, None) == [
        Answer(("umbrella", "red"), 2),
        Answer((), 0),
    ]


WORDS = ("umbrella", "anchor", "red", "cat")


def run(answers: list[Answer] | None) -> ScoringResult:
    labels = [list(answer.words) for answer in answers or [Answer(("umbrella",), 1)] * 4]
    return score(
        labels=labels,
        label_scores=[[0.5] * len(own) for own in labels],
        concepts=WORDS,
        score_matrix=None,
        dead=np.arange(4) == 3,
        truth=dict(enumerate((*LAYER, ANCHOR))),
        sentence=None,
        answers=answers,
    )


def test_scores_of_a_layer() -> None:
    answers = [
        Answer(("umbrella", "cat"), 2, (1.0, 1.0)),
        Answer((), 0, ()),
        Answer(("red", "umbrella"), 2, (2.0, 1.0)),
        Answer(("anchor",), 1, (1.0,)),
    ]
    found = run(answers)
    values = {name: found.values[name].value for name in ANSWER_METRICS}
    assert list(values.values()) == pytest.approx([1 / 3, 5 / 9, 2 / 3, 1 / 2, 4 / 3])
    assert found.values["answer_f1[single]"].value == pytest.approx(1 / 3)
    assert found.values["answer_f1"].n_unlabelled == 1
    assert found.values["answer_exact"].ci_low is not None
    assert found.units["answer_f1"].isna().tolist() == [False, False, False, True]  # dead
    assert aggregate_units(found.units, seed=0)["answer_f1"] == found.values["answer_f1"]
    assert not set(ANSWER_METRICS) & set(found.controls["chance"])


def test_a_method_that_lists_all_concepts_scores_less_than_one_that_knows() -> None:
    everything = [Answer(WORDS, len(WORDS), (1.0,) * len(WORDS))] * 4
    names = [truth.concepts or (truth.name,) for truth in (*LAYER, ANCHOR)]
    known = [Answer(own, len(own), (1.0,) * len(own)) for own in names]
    found, best = run(everything).values, run(known).values
    assert best["answer_exact"].value == 1
    assert found["answer_exact"].value == 0
    assert found["answer_weight"].value == pytest.approx((1 / 4 + 1 / 4 + 2 / 4) / 3)


def test_formulas_have_no_weight_and_other_answers_no_scores() -> None:
    found = run([Answer(("umbrella",), 1)] * 4).values
    assert found["answer_f1"].value == pytest.approx((1 + 0 + 2 / 3) / 3)
    assert found["answer_weight"].value is None
    plain = run(None)
    assert not set(ANSWER_METRICS) & (set(plain.values) | set(plain.units.columns))
