"""Images of high and low activation, and words of captions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.contrast.images import Levels, find_contrasts, find_high, levels
from baselines.contrast.words import order_terms, score_terms, singular, terms


def test_golden_threshold():
    found = levels(torch.tensor([[3.0, 0, 4], [0, 1, 0], [1, 1, 1], [0, 0, 2]]))
    deviation = (found.threshold - found.mean) / 5
    assert deviation == pytest.approx(0.405101, abs=5e-7)
    assert found.threshold == pytest.approx(2.453174, abs=5e-7)


def test_negative_activations_count_as_none():
    found = levels(torch.tensor([[-9.0, 3, 4], [-1.0, -1, -1]]))
    assert found.features.tolist() == [[0, 0.6, 0.8], [0, 0, 0]]


def test_enough_images_above_the_threshold_or_the_best():
    features = torch.tensor([[0.1, 0.0], [0.9, 0.0], [0.7, 0.2], [0.9, 0.0]], dtype=torch.float64)
    found = Levels(features, mean=0.3, threshold=0.7)
    order, above = find_high(found, 0, 2)
    assert (order.tolist(), above) == ([1, 3, 2], True)
    order, above = find_high(found, 0, 3)
    assert (order.tolist(), above) == ([1, 3, 2], False)  # three are not more than three
    order, above = find_high(found, 1, 3)
    assert (order.tolist(), above) == ([2], False)  # no image of an activation of 0


def plain_low(found, unit, high, count):
    """One image after the other, by the definition."""
    others = [u for u in range(found.features.shape[1]) if u != unit]
    rows = found.features[:, others].numpy()
    centre = rows[high].mean(axis=0) if len(high) else np.zeros(len(others))
    pairs = [
        (-float(row @ centre), at)
        for at, row in enumerate(rows)
        if found.features[at, unit] < found.mean and row @ centre >= 0.3
    ]
    return [at for _, at in sorted(pairs)[:count]]


@pytest.mark.parametrize("units", [7, 12])
def test_look_alikes_are_those_of_a_plain_loop(units, monkeypatch):
    monkeypatch.setattr("baselines.contrast.images._BLOCK", 2)
    drawn = np.random.default_rng(units).uniform(size=(60, units)) ** 2
    drawn[:, -1] = 0
    found = levels(torch.from_numpy(drawn))
    contrasts = find_contrasts(found, least=4, look_alikes=5)
    seen = 0
    for unit, contrast in enumerate(contrasts):
        high, above = find_high(found, unit, 4)
        assert contrast.high.tolist() == high.tolist()
        assert contrast.above == above
        assert contrast.low.tolist() == plain_low(found, unit, high.tolist(), 5)
        seen += len(contrast.low)
    assert seen > units
    assert contrasts[-1].high.tolist() == contrasts[-1].low.tolist() == []


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A Dog's red balls", ("dog red", "red ball", "dog", "red", "ball")),
        ("photo of 2 cats, fig12 (stock)", ("cat",)),
        ("cup of coffee", ("cup", "coffee")),
        ("coffee, cup", ("coffee", "cup")),
        ("an ox is on it 3d", ()),
        ("caf\u00e9 tables", ("caf\u00e9 table", "caf\u00e9", "table")),
    ],
)  # fmt: skip
def test_terms_of_a_caption(caption, expected):
    assert terms(caption.replace("Dog's", "dogs")) == expected
    assert terms(caption.replace("Dog's", "dogs"), 1) == tuple(t for t in expected if " " not in t)


def test_apostrophes_are_dropped():
    assert terms("dog's toy", 1) == terms("dogs toy", 1) == ("dog", "toy")


@pytest.mark.parametrize(
    ("plural", "word"),
    [
        ("dogs", "dog"), ("ladies", "lady"), ("ties", "tie"), ("boxes", "box"), ("buses", "buse"),
        ("glasses", "glass"), ("glass", "glass"), ("bus", "bus"), ("tennis", "tennis"),
        ("churches", "church"), ("horses", "horse"), ("sheep", "sheep"),
    ],
)  # fmt: skip
def test_singulars(plural, word):
    assert singular(plural) == word


def test_scores_are_means_of_each_images_best_caption():
    captions = [
        [("a red car", 0.5), ("a red bus", 0.25)],
        [("a car", 0.75)],
        [],
        [("two cars", 0.5), ("a car", 0.25)],
    ]
    found = score_terms(captions)
    assert found == {
        "red car": 0.125, "red bus": 0.0625, "red": 0.125, "car": (0.5 + 0.75 + 0.5) / 4,
        "bus": 0.0625,
    }  # fmt: skip
    assert score_terms([]) == {}
    nearly = {"sign": 0.5 + 1e-9, "warning sign": 0.5}
    assert [term for term, _ in order_terms(nearly)] == ["warning sign", "sign"]
    assert [term for term, _ in order_terms(found)] == ["car", "red car", "red", "red bus", "bus"]
