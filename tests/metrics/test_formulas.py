"""What formulas say, and what that earns."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.formulas import FormulaReader, clean_mask_label, leaves, merge_credits, split_labels
from metrics.scoring import score
from metrics.truth import TrueName

CATEGORIES = {
    "umbrella": "object", "anchor": "object", "night sky-s": "scene", "red-c": "color",
    "blue-c": "color", "bus stop": "object", "board (for bulletins)": "object", "a AND b": "scene",
}  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "asked", "excluded"),
    [
        ("umbrella", ("umbrella",), ()),
        ("(umbrella AND red-c)", ("umbrella", "red-c"), ()),
        ("((umbrella OR anchor) AND (NOT night sky-s))", ("umbrella", "anchor"), ("night sky-s",)),
        ("(((a OR b) AND c) OR (NOT d))", ("a", "b", "c"), ("d",)),
        ("(ANDROID OR NOTE)", ("ANDROID", "NOTE"), ()),
        ("", (), ()),
    ],
)
def test_leaves(formula, asked, excluded):
    assert leaves(formula) == (asked, excluded)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("umbrella", ("umbrella",)),
        ("(umbrella AND red-c)", ("umbrella", "red")),
        ("(umbrella OR anchor)", ()),
        ("((umbrella OR anchor) AND red-c)", ("red",)),
        ("(umbrella AND (NOT anchor))", ("umbrella",)),
        ("(umbrella OR umbrella)", ("umbrella",)),
        ("(unknown AND umbrella)", ("unknown", "umbrella")),
        ("night sky-s", ("night sky",)),
        ("board (for bulletins)", ("board (for bulletins)",)),
        ("((board (for bulletins) AND red-c) AND (NOT a AND b))", ("board (for bulletins)", "red")),
        ("(umbrella OR a AND b)", ("umbrella", "a AND b")),
    ],
)
def test_a_name_must_stand_alone_in_its_category(formula, says):
    assert FormulaReader(CATEGORIES)(formula) == says


def test_only_brodens_suffixes_are_dropped():
    names = ("red-c", "bus_stop-s", "x-ray", "t-shirt", "a-scene")
    clean = ["red", "bus stop", "x-ray", "t-shirt", "a-scene"]
    assert [clean_mask_label(name) for name in names] == clean


def test_a_label_earns_its_best_name():
    credits = [(np.array([0, 1, 3]), np.array([0.5, 1.0, 0.5]))]
    [(labels, earned)] = merge_credits(credits, [0, 0, 1, 1])
    assert labels.tolist() == [0, 1]
    assert earned.tolist() == [1.0, 0.5]
    assert split_labels(["a", "b"], None) == ([0, 1], ["a", "b"])


def test_formulas_are_scored_by_what_they_say():
    said = ["(umbrella AND red-c)", "(umbrella OR anchor)", "bus stop", ""]
    truth = {
        unit: TrueName(name, (name,), hypernyms=("stop",))
        for unit, name in enumerate(["umbrella", "umbrella", "station", "anchor"])
    }
    found = score(
        labels=[[label] if label else [] for label in said],
        label_scores=[[0.5] if label else [] for label in said],
        concepts=None, score_matrix=None, dead=np.zeros(4, bool), truth=truth, sentence=None,
        reader=FormulaReader(CATEGORIES),
    )  # fmt: skip
    assert found.units["accuracy_at_1"].tolist() == [1, 0, 0, 0]
    assert found.units["lexical_match"].tolist() == [1, 0, 0, 0]
    assert found.values["accuracy_at_1"].value == 0.25
    assert found.values["mean_rank"].value is None
