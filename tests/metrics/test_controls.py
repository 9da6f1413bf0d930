from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb

import numpy as np
import pytest

from metrics.chance import expected_median, first_true
from metrics.scoring import score
from metrics.truth import TrueName
from tests.metrics.plain import embedder, unit_values

CONCEPTS = ("cat", "dog", "cats", "animal", "kitty", "bird", "birds", "tree")
TRUTH = {
    0: TrueName("cat", ("cat", "kitty"), ("animal",), "seen"),
    1: TrueName("dog", ("dog",), ("animal",), "seen"),
    2: TrueName("bird", ("bird",), ("animal",), "unseen"),
    3: TrueName("tree, plant", ("tree", "plant"), (), "unseen"),
    4: TrueName("cat", ("cat",), (), "unseen"),
}


def run(scores, *, silent=(), truth=TRUTH, concepts=CONCEPTS, **changes):
    order = np.argsort(-scores, axis=1, kind="stable")
    labels = [[] if u in silent else [concepts[c] for c in row] for u, row in enumerate(order)]
    values = [[] if u in silent else scores[u, row].tolist() for u, row in enumerate(order)]
    arguments = {
        "labels": labels,
        "label_scores": values,
        "concepts": concepts,
        "score_matrix": scores,
        "dead": np.zeros(len(scores), bool),
        "truth": truth,
        "sentence": embedder,
        "clip_text": embedder,
    }
    return score(**(arguments | changes))


@pytest.fixture
def scores():
    return np.random.default_rng(8).normal(size=(5, len(CONCEPTS))).astype(np.float32)


def per_unit(name, truth, ordering):
    return unit_values(truth, tuple(ordering), CONCEPTS)[name]


NAMES = (
    "accuracy_at_1", "accuracy_at_5", "mean_rank", "mrr", "lexical_match", "sentence_cosine",
    "sentence_cosine_best_synonym",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_shuffled_is_the_mean_over_all_permutations(scores, name):
    orders = [[CONCEPTS[c] for c in row] for row in np.argsort(-scores, axis=1)]
    deals = itertools.permutations(range(5))
    values = [
        np.mean([per_unit(name, TRUTH[i], orders[j]) for i, j in enumerate(d)]) for d in deals
    ]
    found = run(scores).controls["shuffled"][name]
    assert found.value == pytest.approx(np.mean(values), abs=1e-6)
    assert found.n == 5


@pytest.mark.parametrize("name", NAMES)
def test_shuffled_deals_out_silence_too(scores, name):
    """Unit 3 says nothing: whoever is dealt that scores 0, C, or the chance value of a cosine."""
    orders = [[CONCEPTS[c] for c in row] for row in np.argsort(-scores, axis=1)]

    def value(i, j):
        if j != 3:
            return per_unit(name, TRUTH[i], orders[j])
        if "cosine" in name:
            return np.mean([per_unit(name, TRUTH[i], [c]) for c in CONCEPTS])
        return {"mean_rank": 8.0, "mrr": 1 / 8}.get(name, 0.0)

    deals = itertools.permutations(range(5))
    values = [np.mean([value(i, j) for i, j in enumerate(deal)]) for deal in deals]
    result = run(scores, silent={3})
    assert result.controls["shuffled"][name].value == pytest.approx(np.mean(values), abs=1e-6)
    own = np.mean([value(i, i) for i in range(5)])
    assert result.values[name].value == pytest.approx(own, abs=1e-6)
    assert result.values[name].n_unlabelled == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("group", ["", "[unseen]"])
def test_constant_and_oracle_by_enumeration(scores, name, group):
    units = [u for u, t in TRUTH.items() if not group or f"[{t.group}]" == group]
    if name == "mrr" and group:
        return
    result = run(scores)
    constant, oracle = (result.controls[c][name + group] for c in ("constant", "oracle"))
    if name in ("mean_rank", "mrr"):
        assert constant.value is None
        assert constant.reason == "a single concept is no ranking"
        assert oracle.value == 1.0
        return
    table = np.array([[per_unit(name, TRUTH[u], [c]) for c in CONCEPTS] for u in units])
    assert constant.value == pytest.approx(table.mean(0).max(), abs=1e-6)
    assert constant.detail["concept"] == CONCEPTS[int(table.mean(0).argmax())]
    assert oracle.value == pytest.approx(table.max(1).mean(), abs=1e-6)
    assert constant.n == oracle.n == len(units)
    assert result.values[name + group].ceiling == oracle.value


@pytest.mark.parametrize("name", NAMES)
def test_chance_by_enumeration(name):
    concepts = CONCEPTS[:6]
    truth = {u: TRUTH[u] for u in (0, 1, 4)}
    result = run(np.zeros((5, 6), np.float32), truth=truth, concepts=concepts)
    found = result.controls["chance"][name]
    orders = list(itertools.permutations(concepts))[:: 1 if "cosine" not in name else 120]
    if "cosine" in name:
        orders = [(c,) for c in concepts]
    expected = np.mean([np.mean([per_unit(name, t, o) for o in orders]) for t in truth.values()])
    assert found.value == pytest.approx(expected, abs=1e-6)
    assert found.detail["draw"] is not None
    assert result.values[name].chance == found.value


@pytest.mark.parametrize(("size", "m"), [(1, 1), (7, 1), (7, 3), (7, 7), (50, 2), (20_000, 1)])
def test_the_law_of_the_first_true_concept(size, m):
    law = first_true(size, m)
    assert law.mean == pytest.approx((size + 1) / (m + 1))
    ways = [Fraction(comb(size - r, m - 1), comb(size, m)) for r in range(1, min(size, 60) + 1)]
    assert law.within(5) == pytest.approx(1 - comb(size - m, 5) / comb(size, 5) if size > 4 else 1)
    assert law.cumulative[: len(ways)] == pytest.approx(np.cumsum([float(w) for w in ways]))
    if m == 1:
        harmonic = sum(1 / r for r in range(1, size + 1))
        assert law.mean_reciprocal == pytest.approx(harmonic / size)
    elif size <= 60:
        exact = sum(w / r for r, w in enumerate(ways, start=1))
        assert law.mean_reciprocal == pytest.approx(float(exact))


@pytest.mark.parametrize("counts", [(1,), (1, 1), (1, 1, 1), (1, 2), (1, 2, 2), (3, 1, 2)])
def test_expected_median_by_enumeration(counts):
    size = 5
    laws = []
    for m in counts:
        firsts = [min(s) for s in itertools.combinations(range(1, size + 1), m)]
        laws.append(firsts)
    medians = [sorted(ranks)[len(ranks) // 2] for ranks in itertools.product(*laws)]
    assert expected_median(size, np.array(counts)) == pytest.approx(np.mean(medians))


def test_a_truth_outside_the_set_has_no_chance_of_being_right(scores):
    truth = {0: TrueName("zebra", ("zebra",))}
    result = run(scores, truth=truth)
    for control in ("chance", "constant", "shuffled", "oracle"):
        assert result.controls[control]["accuracy_at_1"].value == 0.0
        assert result.controls[control]["mean_rank"].value is None
    assert result.values["accuracy_at_5"].value == 0.0
    assert result.values["mrr"].reason == "no scored unit's true name is in the concept set"


def test_constant_takes_the_first_of_equals():
    truth = {u: TrueName(n, (n,)) for u, n in enumerate(("dog", "cat"))}
    result = run(np.zeros((2, 8), np.float32), truth=truth)
    assert result.controls["constant"]["accuracy_at_1"].detail["concept"] == "cat"


def test_variety_under_control(scores):
    result = run(scores)
    controls = result.controls
    own = len({CONCEPTS[c] for c in scores.argmax(axis=1)})
    assert result.values["distinct_labels"].value == own
    assert controls["chance"]["distinct_labels"].value == pytest.approx(8 * (1 - (7 / 8) ** 5))
    assert controls["constant"]["distinct_labels"].value == 1.0
    assert controls["constant"]["top_label_share"].value == 1.0
    assert controls["shuffled"]["distinct_labels"].value == own
    assert controls["chance"]["auroc"].value == 0.5


def test_the_draw_follows_its_expectation():
    size, n = 40, 400
    concepts = tuple(f"word{i:02d}" for i in range(size))
    truth = {u: TrueName(concepts[u % size], (concepts[u % size],)) for u in range(n)}
    result = run(np.zeros((n, size), np.float32), truth=truth, concepts=concepts)
    chance = result.controls["chance"]
    assert chance["accuracy_at_1"].value == pytest.approx(1 / size)
    assert chance["accuracy_at_1"].detail["draw"] == pytest.approx(1 / size, abs=0.03)
    assert chance["mean_rank"].detail["draw"] == pytest.approx((size + 1) / 2, abs=2.5)
    assert chance["median_rank"].detail["draw"] == pytest.approx(size / 2, abs=4)
