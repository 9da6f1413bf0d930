from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.ranks import cross_ranks, truth_ranks
from metrics.text import EmbeddingError, embed, text_cosines, truth_strings
from metrics.truth import TrueName

VALUES = st.sampled_from([0.0, 1.0, 2.0, 3.0, float("nan"), float("-inf")])


def _brute_rank(row: list[float], true: list[int]) -> float:
    size = len(row)
    key = [(-np.inf if np.isnan(v) else v) for v in row]
    order = sorted(range(size), key=lambda c: (-key[c], c))
    places = [order.index(c) + 1 for c in true if key[c] > -np.inf]
    return float(min(places, default=size))


@given(st.data())
def test_ranks_equal_a_plain_sort(data):
    n, size = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 6))
    rows = data.draw(
        st.lists(st.lists(VALUES, min_size=size, max_size=size), min_size=n, max_size=n)
    )
    subset = st.sets(st.integers(0, size - 1), min_size=1)
    true = [sorted(data.draw(subset)) for _ in range(n)]
    scores = np.array(rows, dtype=np.float32)
    indices = [np.array(t, dtype=np.int64) for t in true]
    ranks, found = truth_ranks(scores, indices)
    assert ranks.tolist() == [_brute_rank(r, t) for r, t in zip(rows, true, strict=True)]
    for row, t, value in zip(rows, true, found, strict=True):
        defined = [row[c] for c in t if row[c] > -np.inf]
        assert (value == max(defined)) if defined else np.isnan(value)
    for row, ranks_of_all in zip(rows, cross_ranks(scores, indices), strict=True):
        assert ranks_of_all.tolist() == [_brute_rank(row, t) for t in true]


def test_a_unit_whose_truth_is_not_in_the_set_has_no_rank():
    ranks, found = truth_ranks(np.zeros((1, 3), np.float32), [np.array([], dtype=np.int64)])
    assert np.isnan(ranks).all()
    assert np.isnan(found).all()


def test_an_undefined_unit_ranks_last():
    scores = np.full((2, 4), np.nan, dtype=np.float32)
    scores[1] = -np.inf
    ranks, _ = truth_ranks(scores, [np.array([0])] * 2)
    assert ranks.tolist() == [4, 4]


def _unit(rng, n, d=7):
    vectors = rng.standard_normal((n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_cosines_against_the_string_and_the_best_synonym():
    rng = np.random.default_rng(0)
    truths = [TrueName("a, b", ("a", "b")), TrueName("c", ("c",)), TrueName("d", ("a", "d", "e"))]
    strings = truth_strings(truths)
    assert strings == ["a, b", "a", "b", "c", "d", "e"]
    vectors, concepts = _unit(rng, len(strings)), _unit(rng, 11)
    dense = {s: (concepts.astype(float) @ vectors[i].astype(float)) for i, s in enumerate(strings)}
    rows, columns = np.repeat(np.arange(3), 11), np.tile(np.arange(11), 3)
    for best in (False, True):
        table = text_cosines(truths, concepts, vectors, best_synonym=best)
        expected = np.stack(
            [
                np.max([dense[s] for s in (t.synonyms if best else (t.name,))], axis=0)
                for t in truths
            ]
        )
        np.testing.assert_allclose(table.pairs(rows, columns).reshape(3, 11), expected, atol=1e-12)
        tiled = np.concatenate([tile for _, tile in table.tiles()])
        np.testing.assert_allclose(tiled, expected, atol=1e-6)


@pytest.mark.parametrize(
    "vectors", [np.zeros((1, 3)), np.ones((1, 3)), np.full((1, 3), np.nan), np.eye(3)]
)
def test_an_embedder_without_unit_vectors_is_refused(vectors):
    with pytest.raises(EmbeddingError):
        embed(lambda texts: vectors.astype(np.float32), ["x"])
