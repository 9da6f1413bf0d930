"""Numeric primitives against closed forms and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from metrics.numeric import auroc, descending_rank, midranks

# Few distinct values, so that ties are common.
coarse = st.integers(-3, 3).map(lambda i: i / 2)
with_gaps = st.one_of(coarse, st.sampled_from([np.nan, -np.inf, np.inf]))
tables = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8).flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=with_gaps)
)


def by_hand(row):
    """Columns in descending order, by Python's stable sort."""
    return sorted(range(len(row)), key=lambda c: -row[c] if not math.isnan(row[c]) else math.inf)


def test_midranks():
    assert midranks([10, 20, 10, 5, 10]).tolist() == [3, 5, 3, 1, 3]
    assert midranks([-np.inf, np.inf]).tolist() == [1, 2]
    with pytest.raises(ValueError, match="NaN"):
        midranks([1, np.nan])
    with pytest.raises(ValueError, match="one-dimensional"):
        midranks([[1.0]])


def test_auroc_refuses():
    with pytest.raises(ValueError, match="2 scores but 3 labels"):
        auroc([1, 2], [0, 1, 1])
    with pytest.raises(ValueError, match="booleans"):
        auroc([1, 2], [0, 2])


def test_descending_rank_by_example():
    table = np.array([[0.1, 0.5, 0.5, np.nan], [-np.inf, np.nan, -2, -np.inf]])
    assert [descending_rank(table, c).tolist() for c in range(4)] == [
        [3, 2],
        [1, 3],
        [2, 1],
        [4, 4],
    ]
    assert descending_rank(table, np.array([2, 1])).tolist() == [2, 3]
    assert descending_rank([3, 9, 5], 2) == 2


@given(tables)
def test_ranks_equal_a_stable_sort(table):
    orders = [by_hand(row) for row in table.tolist()]
    for column in range(table.shape[1]):
        expected = [order.index(column) + 1 for order in orders]
        assert descending_rank(table, column).tolist() == expected


@pytest.mark.parametrize("column", [-1, 3, [0, 1], 0.5, [[0]]])
def test_descending_rank_refuses(column):
    with pytest.raises(ValueError, match="column"):
        descending_rank(np.zeros((1, 3)), column)


def test_ranks_of_no_concept_are_refused():
    with pytest.raises(ValueError, match="scores must be"):
        descending_rank(np.zeros((2, 0)), 1)


@settings(max_examples=20)
@given(tables)
def test_inputs_are_left_alone(table):
    before = table.copy()
    descending_rank(table, 0)
    np.testing.assert_array_equal(table, before)
