"""Which true names a concept set holds, and the scores on those."""

from __future__ import annotations

import pytest

from metrics.reach import find_reach
from metrics.scoring import score
from metrics.truth import TrueName
from tests.metrics.plain import embedder

TRUTHS = [
    TrueName("tench, Tinca tinca", ("tench", "Tinca tinca")),
    TrueName("bus station/indoor", ("bus station/indoor",)),
    TrueName("couch", ("couch", "sofa")),
    TrueName("cloud", ("cloud",)),
    TrueName("heart", ("heart",), hypernyms=("organ",)),
    TrueName("sunglass", ("sunglass",), lookalikes=("sunglasses",)),
    TrueName("crane, bird", ("crane, bird",)),
]
CONCEPTS = ("Tench", "bus_station-indoor", "sofa", "clouds", "organ", "sunglasses", "crane")
REACH = ["exact", "exact", "synonym", "synonym", "none", "none", "none"]


def test_a_set_holds_a_name_exactly_by_another_name_or_not_at_all() -> None:
    assert find_reach(TRUTHS, CONCEPTS) == REACH
    assert find_reach([], CONCEPTS) == []


def test_scores_on_the_reachable_part_are_those_of_these_units_alone() -> None:
    labels = ["Tench", "sofa", "sofa", "clouds", "organ", "crane", "crane", "sofa"]
    arguments = {
        "concepts": CONCEPTS,
        "score_matrix": None,
        "dead": [False] * 8,
        "sentence": embedder,
        "label_scores": [[1.0]] * 8,
        "labels": [[label] for label in labels],
    }
    truth = dict(enumerate(TRUTHS))
    found = score(truth=truth, **arguments)
    assert found.units["reach"].tolist() == [*REACH, ""]
    reach = found.values["reach"]
    assert (reach.value, reach.n) == (pytest.approx(4 / 7), 7)
    assert reach.detail == {"exact": 2, "synonym": 2, "none": 3}
    part = score(truth={unit: truth[unit] for unit in range(4)}, **arguments)
    assert part.values["reach"].value == 1
    assert not any("[reachable]" in name for name in part.values)
    for name in ("lexical_match", "accuracy_at_1", "sentence_cosine"):
        own, alone = found.values[f"{name}[reachable]"], part.values[name]
        assert (own.value, own.ci_low, own.ci_high) == (alone.value, alone.ci_low, alone.ci_high)
        for control in ("chance", "constant", "shuffled", "oracle"):
            value = found.controls[control][f"{name}[reachable]"].value
            assert value == pytest.approx(part.controls[control][name].value)
    # 1 for the name and for its inflection, 0 for another's name.
    assert found.values["lexical_match[reachable]"].value == 0.75
    assert found.controls["oracle"]["lexical_match[reachable]"].value == 1


def test_free_text_has_no_reach() -> None:
    found = score(
        labels=[["a tench"]], label_scores=[[1.0]], concepts=None, score_matrix=None, dead=[False],
        truth={0: TRUTHS[0]}, sentence=None,
    )  # fmt: skip
    assert found.units["reach"].tolist() == [""]
    assert "reach" not in found.values
