"""Sparse tables of credits equal the dense tables that they stand for."""

from __future__ import annotations

import numpy as np

from metrics.credit import sparse_credit
from metrics.formulas import merge_credits, merge_hits


def test_a_sparse_table_equals_its_dense_one():
    random = np.random.default_rng(0)
    dense = random.random((30, 50)) * (random.random((30, 50)) < random.random((30, 1)) ** 3)
    dense[[0, 7]] = 0
    entries = [(np.flatnonzero(row), row[row > 0]) for row in dense]
    subsets = random.random((3, 30)) < [[1.0], [0.5], [0.0]]
    credit = sparse_credit(entries, 50, subsets)
    rows, columns = random.integers(0, 30, 400), random.integers(0, 50, 400)
    np.testing.assert_array_equal(credit.table.pairs(rows, columns), dense[rows, columns])
    chosen = np.array([0, 3, 4, 49])
    np.testing.assert_array_equal(credit.table.columns(chosen), dense[:, chosen])
    np.testing.assert_array_equal(credit.row_best, dense.max(axis=1))
    # To the last bit: the sums of scores files must not change.
    assert credit.row_mean.tolist() == [row[row > 0].sum() / 50 for row in dense]
    sums = np.zeros((3, 50))
    for row, subset in zip(dense, subsets.T, strict=True):
        sums[subset] += row
    assert credit.column_sum.tolist() == sums.tolist()


def test_a_table_without_entries_is_zero():
    credit = sparse_credit([(np.empty(0, np.int64), np.empty(0))] * 2, 3, np.ones((1, 2), bool))
    assert credit.column(1).tolist() == [0, 0]
    assert credit.column_sum.tolist() == [[0, 0, 0]]


def test_labels_of_several_names_keep_their_units():
    """Labels 0 and 2 have two names each; the second unit has no hit."""
    owners = [0, 0, 1, 2, 2]
    credits = [
        (np.array([0, 1, 4]), np.array([0.5, 1.0, 0.5])),
        (np.empty(0, np.int64), np.empty(0)),
        (np.array([2, 3, 4]), np.array([1.0, 0.5, 0.5])),
    ]
    merged = merge_credits(credits, owners)
    assert [labels.tolist() for labels, _ in merged] == [[0, 2], [], [1, 2]]
    assert [earned.tolist() for _, earned in merged] == [[1.0, 0.5], [], [1.0, 0.5]]
    hits = merge_hits([names for names, _ in credits], owners)
    assert [labels.tolist() for labels in hits] == [[0, 2], [], [1, 2]]
    assert merge_hits([], owners) == []
