"""Decisions by hand: who contributed most, what its label tells, and how often that is right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metrics.decisions
from metrics.decisions import (
    decision_score,
    linear_error,
    match_classes,
    nearest_classes,
    predict_classes,
    top_contributors,
)
from metrics.statistics import wilson
from metrics.truth import TrueName

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("activations", "weights", "expected"),
    [
        ([1.0, 2.0, 3.0], [3.0, 2.0, 0.5], 1),  # 3, 4, 1.5
        ([1.0, 2.0, 3.0], [-3.0, -2.0, -0.5], 2),  # the least bad
        ([2.0, 1.0, 2.0], [1.0, 2.0, 1.0], 0),  # all 2: the lowest
        ([0.0, 1.0, 1.0], [5.0, -1.0, -2.0], 0),  # what does nothing does no harm
        ([NAN, 1.0, 2.0], [9.0, 1.0, -1.0], 1),
        ([NAN, NAN, -1.0], [9.0, 1.0, 1.0], 2),
        ([INF, 1.0, 0.5], [0.0, 1.0, 1.0], 1),  # inf * 0 is nothing
        ([NAN, NAN, NAN], [1.0, 1.0, 1.0], 0),
    ],
)
def test_top_contributor_by_hand(activations, weights, expected):
    other = np.full(3, 100.0)
    table = np.stack([other, np.array(weights)]).astype(np.float32)
    found = top_contributors(np.array([activations], np.float32), table, np.array([1]))
    assert found.tolist() == [expected]
    assert found.dtype == np.int64


def test_products_are_compared_unrounded():
    # In float32 both products are 1, and the lowest unit would win.
    activations = np.array([[1.0, 3.0]], np.float32)
    weights = np.array([[1.0, np.float32(1) / 3]], np.float32)
    assert (activations * weights).tolist() == [[1.0, 1.0]]
    assert top_contributors(activations, weights, np.zeros(1, int)).tolist() == [1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_images_are_independent_of_each_other_and_of_blocks(seed, rows):
    rng = np.random.default_rng(seed)
    activations = rng.integers(-3, 4, size=(23, 5)).astype(np.float32)
    weights = rng.integers(-3, 4, size=(4, 5)).astype(np.float32)
    predictions = predict_classes(activations @ weights.T)
    whole = top_contributors(activations, weights, predictions)
    plain = [max(range(5), key=lambda u: (weights[c, u] * a[u], -u))
             for a, c in zip(activations, predictions, strict=True)]  # fmt: skip
    assert whole.tolist() == plain
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics.decisions, "_BLOCK_FLOATS", 5 * rows)
        assert top_contributors(activations, weights, predictions).tolist() == plain
        assert predict_classes(activations @ weights.T).tolist() == predictions.tolist()
    order = rng.permutation(23)
    assert (
        top_contributors(activations[order], weights, predictions[order]).tolist()
        == whole[order].tolist()
    )


def test_memory_is_bounded(monkeypatch):
    seen = []
    plain = metrics.decisions._greatest
    monkeypatch.setattr(metrics.decisions, "_BLOCK_FLOATS", 64)
    monkeypatch.setattr(
        metrics.decisions, "_greatest", lambda values: seen.append(values.size) or plain(values)
    )
    activations, weights = np.ones((40, 16), np.float32), np.ones((3, 16), np.float32)
    top_contributors(activations, weights, np.zeros(40, int))
    assert max(seen) <= 64
    assert sum(seen) == 40 * 16


def test_no_image_at_all():
    none = np.empty((0, 3), np.float32)
    assert predict_classes(none).tolist() == []
    assert top_contributors(none, np.ones((2, 3)), np.empty(0, int)).tolist() == []


def test_predictions():
    outputs = np.array([[1.0, 3.0, 3.0], [NAN, -2.0, -1.0], [NAN, NAN, NAN]])
    assert predict_classes(outputs).tolist() == [1, 2, 0]


def test_linear_error():
    activations = np.array([[1.0, 2.0], [0.0, 1.0]], np.float32)
    weights = np.array([[1.0, 1.0], [0.0, -3.0], [1.0, 0.0]], np.float32)
    bias = np.array([0.5, 0.0, 1.0], np.float32)
    outputs = np.array([[3.5, -6.0, 2.0], [1.5, -3.0, 1.0]])
    assert linear_error(activations, weights, bias, outputs) == 0
    outputs[1, 2] += 0.6
    assert linear_error(activations, weights, bias, outputs) == pytest.approx(0.1)
    for value in (NAN, INF):
        outputs[0, 0] = value
        assert linear_error(activations, weights, bias, outputs) == INF
    zeros = np.zeros_like(outputs)
    assert linear_error(activations, weights, bias, zeros) == INF
    assert linear_error(activations * 0, weights, bias * 0, zeros) == 0


def unit(*angles):
    """Vectors of length 1 in the plane, by degrees."""
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_told_classes_weigh_the_judges():
    classes = [unit(0, 90), unit(0, 90)]
    labels = [unit(30, 80, 45), unit(80, 30, 45)]
    # cos 30 = 0.87 and sin 30 = 0.5, cos 80 = 0.17 and sin 80 = 0.98
    assert nearest_classes(labels, classes, (3, 1)).tolist() == [0, 1, 0]
    assert nearest_classes(labels, classes, (0, 1)).tolist() == [1, 0, 0]
    assert nearest_classes(labels, classes, (1, 1)).tolist() == [1, 1, 0]
    assert nearest_classes([labels[0]], [classes[0]], (1,)).tolist() == [0, 1, 0]


def test_equal_classes_go_to_the_lowest():
    found = nearest_classes([unit(10, 100)], [unit(90, 0, 0, 90)], (3.0,))
    assert found.tolist() == [1, 0]


TRUTH = {
    3: TrueName("tench, Tinca tinca", ("tench", "Tinca tinca")),
    4: TrueName("crane", ("crane",)),
    5: TrueName("maillot", ("maillot",)),
    6: TrueName("maillot, tank suit", ("maillot", "tank suit")),
    7: TrueName("crane", ("crane", "hoist")),
}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["tench, Tinca tinca", "Tinca_tinca", "TENCH"], [3, 3, 3]),
        (["maillot", "maillot, tank suit", "tank-suit"], [5, 6, 6]),
        (["hoist", "shark", ""], [7, -1, -1]),
        (["crane"], [-1]),  # which of the two?
        (["a", "b", "c", "d", "crane", "e", "f", "crane"], [-1] * 4 + [4, -1, -1, 7]),
        ([], []),
    ],
)
def test_classes_are_matched_by_name(names, expected):
    assert match_classes(names, TRUTH).tolist() == expected


TOLD = np.array([0, 1, -1, 1])
TOP = np.array([0, 0, 1, 1, 1, 2, 3, 3])
CLASSES = np.array([0, 2, 1, 1, 0, 2, -1, 1])


def test_score_by_hand():
    found = decision_score(TOLD, TOP, CLASSES, 5)
    # Right: images 0, 2, 3, 7; unit 2 is silent about image 5; image 6 is left out.
    assert found.value == 4 / 7
    assert (found.ci_low, found.ci_high) == wilson(4, 7)
    assert (found.n, found.n_unlabelled) == (7, 1)
    assert found.chance == 0.2
    # Unit 0 can be right once, unit 1 twice, units 2 and 3 once each.
    assert found.ceiling == 5 / 7
    assert found.detail == {"classes": 5, "units": 4, "left_out": 1}
    assert found.higher_is_better


def test_silence_does_not_pay():
    quiet = decision_score(np.full(4, -1), TOP, CLASSES, 5)
    assert quiet.value == 0
    assert quiet.n == quiet.n_unlabelled == 7
    assert quiet.ci_low == 0


def test_no_known_class_is_no_value():
    found = decision_score(TOLD, TOP, np.full(8, -1), 5, reason="because")
    assert found.value is None
    assert found.reason == "because"
    assert decision_score(TOLD, TOP[:0], CLASSES[:0], 5).value is None
