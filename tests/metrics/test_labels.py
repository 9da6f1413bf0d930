from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.labels import LabelRules, matches, normalise, true_concepts
from metrics.truth import TrueName

MENDED, OFFICIAL = LabelRules(), LabelRules(official=True)
PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "published"

TENCH = TrueName("tench, Tinca tinca", ("tench", "Tinca tinca"))


def test_normalise_folds_case_separators_and_blanks():
    assert normalise("  Bus_Station/indoor ") == normalise("bus station-indoor")
    assert normalise("a\t b") == "a b"
    assert normalise("clouds") != normalise("cloud")


@given(st.text(max_size=30))
def test_normalise_is_idempotent(text):
    assert normalise(normalise(text)) == normalise(text)


def test_the_places_example_separates_the_rules():
    truth = TrueName("bus station/indoor", ("bus station/indoor",))
    assert matches("bus station-indoor", truth, MENDED)
    assert not matches("bus station-indoor", truth, OFFICIAL)
    assert matches("bus station/indoor", truth, OFFICIAL)


@pytest.mark.parametrize(
    ("label", "mended", "official"),
    [
        ("tench, Tinca tinca", True, True),
        ("Tench, tinca_tinca", True, False),
        ("Tinca tinca, tench", True, False),
        ("tench", True, False),
        ("tenches", False, False),
        ("tench, goldfish", False, False),
        (",", False, False),
        ("", False, False),
    ],
)
def test_synonyms(label, mended, official):
    assert matches(label, TENCH, MENDED) is mended
    assert matches(label, TENCH, OFFICIAL) is official


def test_a_longer_list_of_names_is_not_right_for_a_shorter_truth():
    assert not matches("maillot, tank suit", TrueName("maillot", ("maillot",)), MENDED)


WORDS = st.sampled_from(["a", "A", "b", "a, b", "b,a", "a-b", "a/b", "c", "a b", ",", "a, c"])


@given(st.lists(WORDS, min_size=1, max_size=12), st.lists(WORDS, min_size=1, max_size=3))
@pytest.mark.parametrize("rules", [MENDED, OFFICIAL])
def test_the_index_finds_what_pairwise_comparison_finds(rules, concepts, names):
    truths = [TrueName(names[0], tuple(names)), TrueName(names[-1], (names[-1],))]
    found = true_concepts(truths, concepts, rules)
    for truth, indices in zip(truths, found, strict=True):
        brute = [i for i, concept in enumerate(concepts) if matches(concept, truth, rules)]
        assert indices.tolist() == brute


def _clean(label: str) -> str:
    return label.removesuffix("-s")


@pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published predictions (../shared/published) are not here"
)
def test_network_dissection_on_places_as_published():
    # The published code turns "/" and "-" of the class into "/", and leaves those of the label.
    lines = (PUBLISHED / "labels/categories_places365.txt").read_text().splitlines()
    classes = [line.split(" ")[0][3:] for line in lines if line.strip()]
    path = PUBLISHED / "predictions/netdissect_resnet18_places365_fc.csv"
    with path.open(newline="") as file:
        labels = {int(row["unit"]) - 1: _clean(row["label"]) for row in csv.DictReader(file)}
    golds = [name.replace("/", "-").replace("-", "/") for name in classes]
    assert sorted(labels) == list(range(365))

    def right(rules: LabelRules) -> int:
        return sum(matches(labels[u], TrueName(g, (g,)), rules) for u, g in enumerate(golds))

    assert right(OFFICIAL) == 117
    assert right(MENDED) == 141
