from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from metrics.aggregate import aggregate_units
from metrics.concept_sets import ConceptReader, concept_iou, concepts_of
from metrics.formulas import FormulaReader
from metrics.scoring import score
from metrics.sentences import SentenceReader
from metrics.truth import TrueName

if TYPE_CHECKING:
    from metrics.scores import ScoringResult

UMBRELLA = TrueName(
    "umbrella", ("umbrella", "brolly"), ("shade",), "single", concepts=("umbrella",)
)
ANCHOR = TrueName("anchor", ("anchor",), (), "single", concepts=("anchor",))
RED = TrueName("red", ("red", "scarlet"), (), "single", concepts=("red",))
RED_UMBRELLA = TrueName(
    "red umbrella", ("red umbrella",), ("umbrella", "red"), "pair", concepts=("red", "umbrella")
)
EITHER = TrueName(
    "umbrella or anchor", ("umbrella or anchor",), (), "union", concepts=("umbrella", "anchor")
)
LAYER = (UMBRELLA, ANCHOR, RED, RED_UMBRELLA, EITHER)
FORMULAS = FormulaReader({"umbrella": "object", "anchor": "object", "red-c": "color"})


def iou(label: str, truth: TrueName, reader: object = None) -> float:
    return concept_iou(ConceptReader(LAYER, reader)(label), concepts_of(truth))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "single", "pair"),
    [
        ("umbrella", 1, 1 / 2),
        ("Brollies", 1, 1 / 2),  # inflected synonym
        ("scarlet", 0, 1 / 2),
        ("shade", 0, 0),  # a broader name
        ("red umbrella", 1 / 2, 1),  # the true name of another unit
        ("umbrella, red", 1 / 2, 1),
        ("umbrella, brolly", 1, 1 / 2),  # one concept twice
        ("umbrella, red, cat, dog", 1 / 4, 2 / 4),
        ("cat", 0, 0),
    ],
)
def test_words_are_sets_of_concepts(label: str, single: float, pair: float) -> None:
    assert iou(label, UMBRELLA) == pytest.approx(single)
    assert iou(label, RED_UMBRELLA) == pytest.approx(pair)


@pytest.mark.parametrize(
    ("label", "pair", "union"),
    [
        ("(umbrella AND red-c)", 1, 1 / 3),
        ("(umbrella OR anchor)", 1 / 3, 1),  # of one category, yet no list of guesses here
        ("(umbrella AND (NOT red-c))", 1 / 2, 1 / 2),
        ("((umbrella OR anchor) AND red-c)", 2 / 3, 2 / 3),
        ("(NOT red-c)", 0, 0),
        ("umbrella", 1 / 2, 1 / 2),
    ],
)
def test_formulas_are_their_names_that_are_not_negated(
    label: str, pair: float, union: float
) -> None:
    assert iou(label, RED_UMBRELLA, FORMULAS) == pytest.approx(pair)
    assert iou(label, EITHER, FORMULAS) == pytest.approx(union)


@pytest.mark.parametrize(
    ("label", "pair", "union"),
    [
        ("a red umbrella in the rain", 1, 1 / 3),
        ("Umbrellas and an anchor.", 1 / 3, 1),
        ("umbrella, brolly, umbrella", 1 / 2, 1 / 2),
        ("a cat on a reddish mat", 0, 0),  # whole words only, and no other words count
        ("", 0, 0),
    ],
)
def test_sentences_are_the_concepts_that_they_mention(
    label: str, pair: float, union: float
) -> None:
    reader = SentenceReader(LAYER)
    assert iou(label, RED_UMBRELLA, reader) == pytest.approx(pair)
    assert iou(label, EITHER, reader) == pytest.approx(union)


def test_a_list_of_everything_earns_next_to_nothing() -> None:
    layer = [TrueName(f"word{n}", (f"word{n}",), concepts=(f"word{n}",)) for n in range(100)]
    listing = SentenceReader(layer).listing
    for reader in (None, SentenceReader(layer)):
        said = ConceptReader(layer, reader)(listing)
        assert concept_iou(said, concepts_of(layer[0])) == pytest.approx(1 / 100)


def test_an_ambiguous_name_counts_as_one_of_its_meanings() -> None:
    bird = TrueName("crane bird", ("crane bird", "crane"), concepts=("crane bird",))
    machine = TrueName("crane machine", ("crane machine", "crane"), concepts=("crane machine",))
    both = TrueName("cranes", ("cranes!",), concepts=("crane bird", "crane machine"))
    read = ConceptReader((bird, machine, both), None)
    assert concept_iou(read("crane"), concepts_of(bird)) == 1
    assert concept_iou(read("crane"), concepts_of(both)) == 1 / 2
    assert concept_iou(read("crane, crane machine"), concepts_of(both)) == 1


TRUTH = dict(enumerate((*LAYER, UMBRELLA)))
WORDS = ("umbrella", "anchor", "red", "brolly", "cat")


def run(**changes: object) -> ScoringResult:
    labels = [["umbrella"], ["cat"], [], ["brolly"], ["anchor"], ["red"], ["cat"], [], ["red"]]
    arguments = {
        "labels": labels,
        "label_scores": [[0.5] * len(row) for row in labels],
        "concepts": WORDS,
        "score_matrix": None,
        "dead": np.arange(9) >= 8,
        "truth": TRUTH,
        "sentence": None,
        "without_concept": {6, 7, 8},
    }
    return score(**(arguments | changes))  # type: ignore[arg-type]


def test_scores_of_sets_by_group_and_their_controls() -> None:
    found = run()
    assert found.units["concept_iou"].tolist()[:6] == [1, 0, 0, 1 / 2, 1 / 2, 0]
    assert found.units["exact_concepts"].tolist()[:6] == [1, 0, 0, 0, 0, 0]
    assert found.units["concept_iou"][6:].isna().all()
    assert found.values["concept_iou"].value == pytest.approx(2 / 6)
    assert found.values["concept_iou[single]"].value == pytest.approx(1 / 4)
    assert found.values["concept_iou[pair]"].value == 1 / 2
    assert found.values["exact_concepts"].value == pytest.approx(1 / 6)
    assert found.values["selective_concept_iou"].value == pytest.approx(2 / 5)
    # Singles: two of the five words name the umbrella (twice), one each the anchor and red.
    chance = (2 / 5 + 1 / 5 + 1 / 5 + (2 + 1) / 2 / 5 + (2 + 1) / 2 / 5 + 2 / 5) / 6
    assert found.values["concept_iou"].chance == pytest.approx(chance)
    assert found.values["concept_iou"].ceiling == pytest.approx(5 / 6)
    assert found.controls["constant"]["concept_iou"].detail == {"concept": "umbrella"}
    assert found.controls["constant"]["concept_iou"].value == pytest.approx(3 / 6)
    assert aggregate_units(found.units, seed=0)["concept_iou"].value == pytest.approx(2 / 6)


def test_truths_without_concepts_have_no_such_scores() -> None:
    plain = {0: TrueName("umbrella", ("umbrella",)), 1: TrueName("anchor", ("anchor",))}
    found = run(truth=plain, without_concept=())
    assert not [name for name in found.values if "concept" in name]
    assert not {"concept_iou", "without_concept"} & set(found.units.columns)


def test_labels_of_units_without_a_concept_are_false() -> None:
    found = run()
    own = found.values["false_labels"]
    assert own.value == 1 / 2  # unit 6 of the live units 6 and 7
    assert (own.ci_low, own.ci_high) == pytest.approx((0.0945, 0.9055), abs=1e-3)
    assert (own.n, own.higher_is_better) == (2, False)
    assert own.detail == {"dead": 1, "dead_labelled": 1}
    assert aggregate_units(found.units, seed=0)["false_labels"] == own
    assert run(dead=np.arange(9) >= 6).values["false_labels"].value is None


def test_the_score_tells_units_with_a_concept_from_those_without() -> None:
    # Named: 0.9, 0.2, none, 0.5, 0.5, 0.1; without a concept: 0.2 (unit 6), none (unit 7).
    scores = [[0.9], [0.2], [], [0.5], [0.5], [0.1], [0.2], [], [0.9]]
    own = run(label_scores=scores).values["concept_auroc"]
    above_6, above_7 = 3 + 1 / 2, 5 + 1 / 2
    assert own.value == pytest.approx((above_6 + above_7) / 12)
    assert (own.n, own.n_unlabelled) == (8, 2)
    assert own.ci_low is not None
    unscored = run(label_scores=[[float("nan")] * len(row) for row in scores])
    assert unscored.values["concept_auroc"].value is None
