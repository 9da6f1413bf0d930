"""Sparse linear models: golden values, an independent plain reading, and properties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet

from baselines.regression import (
    ConceptValues,
    Penalty,
    SearchLimits,
    Split,
    explain_units,
    split_images,
)
from baselines.regression.elastic_net import ADDED, GramRows, elastic_net
from baselines.regression.forward import add_each, select_forward
from tests.baselines.regression import plain

PENALTY = Penalty(0.05, 0.05 / 0.99 * 0.01)
LIMITS = SearchLimits(10, 0.02)


def made(n=400, concepts=30, units=6, seed=0):
    """Values [N, C] in [0, 1] of correlated concepts, and activations of four of them each."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(n, concepts)) + draw.normal(size=(n, 4)) @ draw.normal(
        size=(4, concepts)
    )
    values = 1 / (1 + np.exp(-3 * (logits - 1)))
    weights = np.zeros((concepts, units))
    for unit in range(units):
        weights[draw.choice(concepts, 4, replace=False), unit] = draw.uniform(1, 3, 4)
    activations = values @ weights + 0.5 * draw.normal(size=(n, units)) + 7
    return values.astype(np.float32), activations.astype(np.float32)


def chosen_values(values, split=None):
    split = split or Split(np.arange(len(values)), 7 * len(values) // 10, len(values) // 10)
    return ConceptValues.choose([torch.from_numpy(values)], split)


def test_the_split_is_fixed_and_complete():
    split = split_images(200, seed=3)
    assert (split.train, split.validation, split.test) == (140, 20, 40)
    assert sorted(split.order) == list(range(200))
    assert all(np.diff(part).min() > 0 for part in np.split(split.order, [140, 160]))
    assert np.array_equal(split.order, split_images(200, seed=3).order)
    assert not np.array_equal(split.order, split_images(200, seed=4).order)


def test_weak_and_constant_concepts_are_left_out_by_images_of_training():
    values = np.zeros((20, 5), np.float32)
    values[:5, 0] = 0.5  # as strong as the limit
    values[:5, 1] = 0.49
    values[:, 2] = 1  # constant
    values[14:, 3] = 1  # shown on other images only
    values[:3, 4] = 1  # (1 + 1 + 1 + 0 + 0) / 5
    assert chosen_values(values).places.tolist() == [0, 4]


def test_columns_may_come_in_tiles():
    values, _ = made()
    whole = chosen_values(values)
    tiles = list(torch.from_numpy(values).split(7, dim=1))
    split = Split(np.arange(400), 280, 40)
    parts = ConceptValues.choose(tiles, split)
    assert torch.equal(parts.values, whole.values)
    assert torch.equal(parts.places, whole.places)
    assert torch.allclose(parts.means, whole.means, rtol=1e-12)


@pytest.mark.parametrize("concepts", [12, 3 * ADDED])
def test_the_elastic_net_is_that_of_scikit_learn(concepts):
    values, activations = made(concepts=concepts, units=3, n=300)
    own = chosen_values(values)
    x = own.standardised(slice(0, own.train)).numpy()
    y = activations[: own.train].astype(np.float64)
    y = (y - y.mean(axis=0)) / y.std(axis=0, ddof=1)
    products = own.products(lambda rows: torch.from_numpy(y[rows]))
    found = elastic_net(products, GramRows(own), PENALTY)
    reference = ElasticNet(alpha=0.05 / 0.99, l1_ratio=0.99, tol=1e-10, max_iter=100_000)
    for unit in range(3):
        expected = reference.fit(x, y[:, unit]).coef_
        assert np.abs(found[unit] - expected).max() < 1e-5
        assert 0 < (found[unit] != 0).sum() < found.shape[1]


def test_normal_equations_are_those_of_least_squares():
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(50, 6)), draw.normal(size=50)
    x[:, 5] = x[:, 0] - x[:, 1]
    found = add_each(x.T @ x, x.T @ y, [0, 1], [2, 3, 4, 5])
    for column, concept in enumerate((2, 3, 4)):
        expected = np.linalg.lstsq(x[:, [0, 1, concept]], y, rcond=None)[0]
        assert found[:, column] == pytest.approx(expected)
    assert np.isnan(found[:, 3]).all()  # a combination of the chosen ones
    assert add_each(x.T @ x, x.T @ y, [], [3])[0, 0] == pytest.approx(
        y @ x[:, 3] / (x[:, 3] ** 2).sum()
    )


@pytest.mark.parametrize("seed", range(4))
def test_explanations_are_those_of_a_plain_reading(seed):
    values, activations = made(seed=seed)
    own = chosen_values(values)
    kept = own.places.numpy()
    found = explain_units(own, torch.from_numpy(activations), PENALTY, LIMITS)
    x = own.standardised(slice(0, own.train)).numpy()
    for unit, explanation in enumerate(found):
        y = activations[:, unit].astype(np.float64)
        part = (y[: own.train] - y[: own.train].mean()) / y[: own.train].std(ddof=1)
        net = ElasticNet(alpha=0.05 / 0.99, l1_ratio=0.99, tol=1e-10, max_iter=100_000)
        weights = net.fit(x, part).coef_
        order = [kept[at] for at in np.argsort(-weights, kind="stable") if weights[at] != 0]
        raw = values.astype(np.float64)
        chosen, validation = plain.choose(raw, y, own.train, own.validation, order)
        assert set(explanation.concepts) == set(chosen)
        assert explanation.validation == pytest.approx(validation)
        expected, bias = plain.fit(raw[:, explanation.concepts], y, own.train)
        assert explanation.weights == pytest.approx(expected)
        assert explanation.bias == pytest.approx(bias)
        test = slice(own.train + own.validation, None)
        prediction = raw[test][:, explanation.concepts] @ explanation.weights + explanation.bias
        assert explanation.test == pytest.approx(plain.pearson(prediction, y[test]))
        assert (np.diff(explanation.shares) <= 0).all()
        deviations = raw[: own.train].std(axis=0, ddof=1)[explanation.concepts]
        scale = y[: own.train].std(ddof=1)
        assert explanation.shares == pytest.approx(explanation.weights * deviations / scale)


def test_shares_do_not_depend_on_scale_and_offset_of_activations():
    values, activations = made(units=3)
    own = chosen_values(values)
    before = explain_units(own, torch.from_numpy(activations), PENALTY, LIMITS)
    after = explain_units(own, torch.from_numpy(8 * activations - 4), PENALTY, LIMITS)
    for one, other in zip(before, after, strict=True):
        assert one.concepts.tolist() == other.concepts.tolist()
        assert one.shares == pytest.approx(other.shares, abs=1e-5)
        assert 8 * one.weights == pytest.approx(other.weights, abs=1e-4)
        assert 8 * one.bias - 4 == pytest.approx(other.bias, abs=1e-4)


def test_a_unit_is_explained_as_alone():
    values, activations = made(units=130)  # more than are fitted at once
    own = chosen_values(values)
    together = explain_units(own, torch.from_numpy(activations), PENALTY, LIMITS)
    for unit in (0, 128, 129):
        [alone] = explain_units(own, torch.from_numpy(activations[:, [unit]]), PENALTY, LIMITS)
        assert alone.concepts.tolist() == together[unit].concepts.tolist()
        assert alone.shares == pytest.approx(together[unit].shares, abs=1e-6)


def test_weights_of_both_signs_are_found():
    draw = np.random.default_rng(0)
    values = (draw.random((500, 6)) < 0.4).astype(np.float32)
    activations = 3 * values[:, [1]] - 2 * values[:, [4]] + 5
    [found] = explain_units(chosen_values(values), torch.from_numpy(activations), PENALTY, LIMITS)
    assert found.concepts.tolist() == [1, 4]
    assert found.weights == pytest.approx([3, -2], abs=1e-4)
    assert found.bias == pytest.approx(5, abs=1e-4)
    assert found.test == pytest.approx(1)


def test_no_more_concepts_than_the_limit_and_a_copy_is_never_added():
    values, activations = made(units=4)
    doubled = np.concatenate([values, values], axis=1)
    own = chosen_values(doubled)
    limits = SearchLimits(3, 0.0)
    for found in explain_units(own, torch.from_numpy(activations), PENALTY, limits):
        assert len(found.concepts) == 3
        assert len(set(found.concepts % values.shape[1])) == 3


@pytest.mark.parametrize("target", [np.zeros, np.ones])
def test_a_target_without_correlation_has_no_concepts(target):
    values, _ = made(units=1)
    activations = target((400, 1)).astype(np.float32)
    activations[-1] = 2  # varies on one image of test only
    [found] = explain_units(chosen_values(values), torch.from_numpy(activations), PENALTY, LIMITS)
    assert not found.concepts.size
    assert np.isnan(found.validation)
    assert np.isnan(found.test)


def test_the_first_concept_must_correlate_positively_on_validation_images():
    one = np.eye(1)
    target = np.array([0.0, 1.0, 2.0])
    up, down = (
        select_forward(one, one[0], sign * target[:, None], target, LIMITS) for sign in (1, -1)
    )
    assert up.chosen == [0]
    assert up.correlation == pytest.approx(1)
    assert down.chosen == []
