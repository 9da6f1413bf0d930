"""`nearest_name` against a plain search over all names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metrics.nearest
from metrics.nearest import distinct_names, nearest_names
from metrics.scoring import score
from metrics.truth import TrueName

VECTORS = {
    "cat": [1.0, 0.0, 0.0], "kitty": [0.8, 0.6, 0.0], "dog": [0.0, 1.0, 0.0],
    "hound": [0.0, 0.8, 0.6], "bird": [0.0, 0.0, 1.0], "between": [0.0, 0.7071068, 0.7071068],
    "a cat on a mat": [0.96, 0.0, 0.28], "puppy": [0.28, 0.96, 0.0], "pet": [0.6, 0.0, 0.8],
}  # fmt: skip
TRUTH = {
    0: TrueName("cat", ("cat", "kitty", "pet"), (), "seen"),
    1: TrueName("dog", ("dog", "hound"), (), "seen"),
    2: TrueName("Cat", ("cat",), (), "unseen"),
    3: TrueName("bird", ("bird", "pet"), (), "unseen"),
}


def embedder(texts):
    rows = np.array([VECTORS[text.lower()] for text in texts], np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def run(labels, truth=TRUTH, concepts=None, sentence=embedder, **more):
    return score(
        labels=[[label] if label else [] for label in labels],
        label_scores=[[1.0] if label else [] for label in labels],
        concepts=concepts, score_matrix=None, dead=np.zeros(len(labels), bool), truth=truth,
        sentence=sentence, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "values"),
    [
        (["a cat on a mat", "puppy", "kitty", "hound"], [1, 1, 1, 0]),
        (["", "between", "dog", "bird"], [0, 1, 0, 1]),  # hound: 0.99, bird: 0.71
        (["pet", "cat", "cat", "pet"], [0, 0, 1, 0]),  # a pet is as much the bird as the cat
    ],
)
@pytest.mark.parametrize("closed", [False, True])
def test_by_hand(labels, values, closed):
    found = run(labels, concepts=tuple(VECTORS) if closed else None)
    assert found.units["nearest_name"].tolist() == values
    assert found.values["nearest_name"].value == np.mean(values)
    assert found.values["nearest_name[seen]"].value == np.mean(values[:2])
    chance = found.controls["chance"]["nearest_name"].value
    if closed:
        # Cat: cat, kitty and the mat; dog: dog, hound, between and puppy; bird: bird. No one: pet.
        assert chance == pytest.approx((3 / 9 + 4 / 9 + 3 / 9 + 1 / 9) / 4)
        assert found.controls["oracle"]["nearest_name"].value == 1
        assert found.controls["constant"]["nearest_name"].value == 0.5
    else:
        assert chance == pytest.approx(1 / 3)
        assert found.controls["chance"]["sentence_cosine"].value is None


def test_silence_earns_nothing_when_it_is_dealt_out_either():
    found = run(["", "dog", "cat", "bird"])
    # Dealt out at random, "cat" is right for two of four units, the others for one.
    assert found.controls["shuffled"]["nearest_name"].value == pytest.approx((2 + 1 + 1) / 16)


def test_without_an_embedder_or_a_second_name_there_is_none():
    assert "no sentence encoder" in run(["cat"] * 4, sentence=None).values["nearest_name"].reason
    alone = run(["cat"] * 4, truth={0: TRUTH[0], 2: TRUTH[2]}).values
    assert "single true name" in alone["nearest_name"].reason
    assert alone["sentence_cosine"].value is not None


def test_names_of_dead_units_are_candidates():
    base = {"labels": [["dog"], []], "label_scores": [[1.0], []], "concepts": None}
    found = score(
        **base, score_matrix=None, dead=[False, True], truth={0: TRUTH[0], 1: TRUTH[1]},
        sentence=embedder,
    )  # fmt: skip
    assert found.values["nearest_name"].value == 0


def test_names_are_one_after_normalisation():
    assert distinct_names(list(TRUTH.values())) == {
        "cat": ("cat", "kitty", "pet", "Cat"), "dog": ("dog", "hound"), "bird": ("bird", "pet"),
    }  # fmt: skip


@given(st.integers(0, 10_000), st.integers(1, 7))
@settings(max_examples=25, deadline=None)
def test_against_a_plain_search_in_any_tiles(seed, tile):
    rng = np.random.default_rng(seed)
    labels, strings = rng.normal(size=(9, 4)), rng.normal(size=(7, 4))
    labels /= np.linalg.norm(labels, axis=1, keepdims=True)
    strings /= np.linalg.norm(strings, axis=1, keepdims=True)
    names = [rng.choice(7, size=rng.integers(1, 4), replace=False) for _ in range(4)]
    expected = []
    for label in labels:
        best = [max(float(label @ strings[s]) for s in name) for name in names]
        top = [number for number, value in enumerate(best) if value > max(best) - 1e-9]
        expected.append(top[0] if len(top) == 1 else -1)
    metrics.nearest._TILE_FLOATS, kept = tile * 10, metrics.nearest._TILE_FLOATS
    try:
        found = nearest_names(labels.astype(np.float32), strings.astype(np.float32), names)
    finally:
        metrics.nearest._TILE_FLOATS = kept
    assert found.tolist() == expected
