"""Counts of the formulas that units detect."""

from __future__ import annotations

import pytest

from baselines.composition.formula import And, Leaf, Not, Or, meaning, positive_labels
from baselines.composition.pool import ScoredFormula
from baselines.compositional import Compositional, detector_counts

CATEGORIES = ["object", "object", "color", "scene"]


def scored(formula, iou):
    fields = dict.fromkeys(ScoredFormula.__dataclass_fields__, 0)
    return ScoredFormula(**{**fields, "formula": formula, "iou": iou, "score": iou / 2})


def test_labels_behind_not_are_not_asked_for():
    assert positive_labels(And(Or(Leaf(0), Leaf(2)), Not(Leaf(3)))) == [0, 2]


def test_units_and_formulas_are_counted_apart():
    objects = Or(Leaf(0), Leaf(1))
    beams = [
        [scored(objects, 0.3), scored(Leaf(3), 0.2)],
        [scored(Or(Leaf(1), Leaf(0)), 0.1)],
        [scored(And(Leaf(0), Leaf(2)), 0.05)],
        [scored(And(Leaf(2), Not(Leaf(3))), 0.05)],
        [scored(Leaf(3), 0.04)],  # not above the threshold
        [],
    ]
    assert detector_counts(beams, CATEGORIES, 0.04) == {
        "detectors": 4,
        "unique_detectors": 3,
        "detectors_object": 1,
        "detectors_color": 1,
        "detectors_scene": 0,
        "detectors_mixed": 1,
    }


def test_order_within_one_operator_means_nothing():
    one = Or(Or(Leaf(0), Leaf(1)), Leaf(2))
    assert meaning(one) == meaning(Or(Leaf(2), Or(Leaf(1), Leaf(0))))
    assert meaning(one) != meaning(And(Or(Leaf(0), Leaf(1)), Leaf(2)))
    assert meaning(Not(Leaf(0))) != meaning(Leaf(0))


def test_the_threshold_has_a_range():
    with pytest.raises(ValueError, match="threshold"):
        Compositional(threshold=1.5)
