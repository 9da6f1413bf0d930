"""The exact search: the published example, every formula spelled out, and as a setting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.composition import exact, length, search, text
from baselines.composition.exact import count_prefixes, search_exactly
from baselines.composition.firing import count_firing
from baselines.composition.formula import And, Leaf, Not, Or
from baselines.compositional import Compositional
from baselines.errors import MethodError
from tests.baselines.composition import plain
from tests.baselines.composition.test_method import world
from tests.baselines.dissection.doubles import ArrayMaps

# Points 0..18; each of five labels C1..C5 looks better than A and B alone.
TRAP = {"A": {*range(8)}, "B": {0, 1, *range(8, 14)}} | {f"C{i}": {0, 13 + i} for i in range(1, 6)}


def prepared(labels, fires):
    """Cells, the unit, and dense masks, from the points of each label and of the unit."""
    points = range(1 + max(max(own, default=0) for own in [*labels, fires]))
    images = [
        plain.scalar_image([n for n, own in enumerate(labels) if point in own], (1, 1))
        for point in points
    ]
    masks = plain.ListedMasks(images, len(labels), (1, 1))
    maps = ArrayMaps(
        np.array([point in fires for point in points], np.float32).reshape(-1, 1, 1, 1)
    )
    cells, [unit] = count_firing(maps, masks, np.array([0.5]))
    return cells, unit, masks.dense(), np.array([point in fires for point in points])


def labels_of(formula):
    match formula:
        case Leaf():
            return 1
        case Not(inner):
            return labels_of(inner)
        case And(left, right) | Or(left, right):
            return labels_of(left) + labels_of(right)


def test_golden_where_the_beam_fails():
    cells, unit, _, _ = prepared(TRAP.values(), {0, 1})
    [beam, *_] = search(cells, unit)
    assert beam.iou == pytest.approx(0.5)
    best = search_exactly(cells, unit, beam)
    assert text(best.formula, list(TRAP)) in ("(A AND B)", "(B AND A)")
    assert best.iou == pytest.approx(1.0)
    assert (best.length, best.pixels, best.common) == (2, 2, 2)
    # A beam of all labels finds it too, and is then kept as it is.
    [wide, *_] = search(cells, unit, beam=len(TRAP))
    assert search_exactly(cells, unit, wide) is wide


def test_the_formula_of_the_beam_wins_ties():
    labels = [{0, 1}, {2, 3}, {0, 2}, {1, 3}]
    cells, unit, _, _ = prepared(labels, {0, 1, 2, 3})
    [best, *_] = search(cells, unit)
    assert best.iou == pytest.approx(1)
    assert search_exactly(cells, unit, best) is best


@st.composite
def small(draw):
    n_points = draw(st.integers(1, 14))
    points = st.sets(st.integers(0, n_points - 1), max_size=n_points)
    labels = draw(st.lists(points, min_size=1, max_size=5))
    if draw(st.booleans()):
        labels[-1] = labels[0]  # a copy
    return labels, draw(points)


@settings(max_examples=80, deadline=None)
@given(
    case=small(),
    max_length=st.integers(1, 4),
    penalty=st.sampled_from([1.0, 0.9, 0.5]),
    beam=st.integers(1, 3),
    together=st.sampled_from([1, 3, 64]),
)
def test_equals_the_best_of_all_formulas(case, max_length, penalty, beam, together):
    labels, fires = case
    labels = labels[: 3 if max_length == 4 else 5]
    cells, unit, dense, mask = prepared(labels, fires)
    limits = {"max_length": max_length, "penalty": penalty}
    score, fewest = plain.plain_best(dense, mask, **limits)
    found = search(cells, unit, beam=beam, **limits)
    if not found:
        assert score == 0
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "_TOGETHER", together)
        best = search_exactly(cells, unit, found[0], **limits)
        again = search_exactly(cells, unit, found[0], **limits)
    assert best.score == score
    where = plain.evaluate(best.formula, lambda label: dense[label])
    assert (best.pixels, best.common) == (where.sum(), (where & mask).sum())
    assert best.length == length(best.formula)
    assert again.formula == best.formula
    assert labels_of(best.formula) <= max_length
    if best is not found[0]:
        assert best.score > found[0].score
        assert labels_of(best.formula) == fewest


def test_bounds_exclude_most_formulas(monkeypatch):
    """Without bounds, 40 labels have 4,840 formulas to extend."""
    random = np.random.default_rng(0)
    labels = [set(np.flatnonzero(random.random(200) < 0.1).tolist()) for _ in range(40)]
    cells, unit, _, _ = prepared(labels, labels[3] | labels[7])
    [start, *_] = search(cells, unit, beam=1)
    extended = []
    counted = exact.Extender.extend
    monkeypatch.setattr(
        exact.Extender,
        "extend",
        lambda self, kept, entries: extended.append(len(entries)) or counted(self, kept, entries),
    )
    assert search_exactly(cells, unit, start).iou == pytest.approx(1)
    assert count_prefixes(40, 3) == 40 + 40 * 120 == 4840
    assert sum(extended) < 500


def test_as_a_setting():
    evidence = world(0, n_labels=9, n_images=16)
    method = Compositional(quantile=0.2, beam=2)
    beam = method.describe(evidence, seed=0)
    best = Compositional(quantile=0.2, beam=2, exact=True).describe(evidence, seed=0)
    one, other = beam.tables["formulas"], best.tables["formulas"]
    assert other["beam_label"].tolist() == one["label"].tolist()
    assert other["beam_iou"].tolist()[:3] == one["iou"].tolist()[:3]
    assert other["beam_score"].tolist()[:3] == one["score"].tolist()[:3]
    assert not set(one) & {"beam_label", "beam_iou", "beam_score"}
    better = (other["iou"] > other["beam_iou"]).tolist()
    assert best.counts["beam_misses"] == sum(better) > 0
    assert "beam_misses" not in beam.counts
    for unit, missed in enumerate(better):
        assert best.texts[unit][:1] == [(other["label"][unit], other["score"][unit])][: unit < 3]
        assert len(best.texts[unit]) == len(beam.texts[unit])
        assert (best.texts[unit] == beam.texts[unit]) == (not missed)
        if missed:
            assert best.texts[unit][1:] == beam.texts[unit][:-1]
    assert math.isnan(other["beam_iou"][3])


def test_parameters_of_records():
    assert "exact" not in Compositional().parameters
    assert Compositional(exact=True).parameters == {**Compositional().parameters, "exact": True}


def test_too_many_labels_are_refused_with_a_forecast():
    Compositional().check_labels(1200)
    Compositional(exact=True).check_labels(500)
    Compositional(exact=True, max_length=2).check_labels(1200)
    with pytest.raises(MethodError, match=r"1,200 labels may take 4 minutes a unit") as caught:
        Compositional(exact=True).check_labels(1200)
    assert "method.params.max_length=2" in caught.value.hint
    evidence = world(0, n_labels=7)
    with pytest.raises(ValueError, match="the limit is"):
        Compositional(exact=True, max_length=7).describe(evidence, seed=0)


def test_the_published_beam_is_not_searched_beside():
    Compositional(official_beam=True)
    with pytest.raises(MethodError, match="exact=true") as caught:
        Compositional(exact=True, official_beam=True)
    assert "leave out method.params.exact or" in caught.value.hint
