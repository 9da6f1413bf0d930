"""From counts to labels."""

from __future__ import annotations

import numpy as np

from baselines.dissection.rules import (
    best_labels,
    category_winner,
    detector_counts,
    iou,
    iou_by_category,
    with_gaps,
)


def test_the_first_category_with_the_highest_score_wins() -> None:
    assert category_winner([0.1, 0.3, 0.3]) == 1
    assert category_winner([np.nan, 0.0, 0.2]) == 2
    assert category_winner([0.0, np.nan]) is None
    assert category_winner([]) is None


def test_published_counts_give_the_published_score() -> None:
    """heliport-s of ResNet-18 Places365: 75264 / (363776 + 125440 - 75264) = .181818."""
    found = iou_by_category(
        np.array([125440]), np.array([[75264]]), np.array([[363776]]), np.array([0])
    )
    assert round(float(found[0, 0]), 9) == 0.181818182


def test_iou_of_empty_sets_is_0() -> None:
    found = iou(np.array([0, 3]), np.array([[0, 0], [0, 3]]), np.array([0, 3]))
    assert found.tolist() == [[0, 0], [0, 1]]


def test_gaps_are_never_labels() -> None:
    scores = with_gaps(np.array([[0.5, 0.5], [0, 0], [0.1, 0.2]]), np.array([True, True, False]))
    assert best_labels(scores).tolist() == [0, -1, -1]
    assert scores[1].tolist() == [-np.inf, -np.inf]
    assert np.isnan(scores[2]).all()
    assert best_labels(np.empty((2, 0), np.float32)).tolist() == [-1, -1]


def test_detectors_exceed_the_threshold_and_labels_count_once() -> None:
    scores = np.array([[0.5, 0], [0.04, 0], [0.2, 0.1], [0, 0.3]], np.float32)
    names = [("sky", "object"), ("sky", "scene")]
    assert detector_counts(scores, np.array([0, 0, 0, 1]), 0.04, names) == {
        "detectors": 3,
        "unique_detectors": 2,
        "detectors_object": 1,
        "detectors_scene": 1,
    }
