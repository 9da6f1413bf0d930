"""The choice among concepts by images of them, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.generation.ranking import BEST, HIGHEST, rank_concepts


def column(*values):
    return np.array(values, np.float32)


def test_worked_example():
    # Twelve images: the ranks of "a" are 0, 2, 4, 6, 8, 10; of "b" 1, 3, 5, 7, 9, 11.
    a, b = column(12, 10, 8, 6, 4, 2), column(11, 9, 7, 5, 3, 1)
    found = rank_concepts([b, a], [column(0.5, 0.5, 0.5, 0.5, 0.5, -9), column(*[0.25] * 6)])
    assert found.mean_squares.tolist() == [
        (1 + 9 + 25 + 49 + 81) / 5, (0 + 4 + 16 + 36 + 64) / 5,
    ]  # fmt: skip
    # Images of the ten highest activations only: that of rank 11 does not count.
    assert found.similarities.tolist() == [0.5, 0.25]
    # "b" stands second of two: (2 - 1) * 0.5; "a" first: (2 - 0) * 0.25.
    assert found.scores.tolist() == [0.5, 0.5]


def test_a_concept_without_a_high_image_has_the_similarity_minus_one():
    found = rank_concepts(
        [column(*range(100, 110)), column(1, 2), column(4)],
        [column(*[0.3] * 10), column(0.9, 0.9), column(0.9)],
    )
    assert found.similarities.tolist() == [pytest.approx(0.3), -1, -1]
    # Positions 0, 2 and 1: 3 * 0.3, and -1 counted 3 and 2 times.
    assert found.scores.tolist() == [pytest.approx(0.9), -3, -2]


def test_a_negative_similarity_does_not_reward_low_activations():
    high, low = column(9, 8), column(2, 1)
    found = rank_concepts([high, low], [column(-0.2, -0.2), column(-0.2, -0.2)])
    assert found.scores[0] > found.scores[1]


def test_equal_activations_share_their_rank_whatever_the_order():
    equal = [column(0, 0, 0), column(0, 0, 0)]
    found = rank_concepts(equal, [column(0.1, 0.1, 0.1), column(0.4, 0.4, 0.4)])
    assert found.mean_squares.tolist() == [6.25, 6.25]
    assert found.scores.argmax() == 1


def plain(activations, cosines):
    """The published procedure, image by image."""
    everything = sorted((v for own in activations for v in own.tolist()), reverse=True)
    squares, similar = [], []
    for own, cosine in zip(activations, cosines, strict=True):
        ranks = sorted(everything.index(value) for value in own.tolist())
        squares.append(sum(rank**2 for rank in ranks[:BEST]) / len(ranks[:BEST]))
        high = [
            float(c)
            for value, c in zip(own.tolist(), cosine, strict=True)
            if everything.index(value) < HIGHEST
        ]
        similar.append(sum(high) / len(high) if high else -1.0)
    order = sorted(range(len(squares)), key=lambda at: squares[at])
    return [(len(order) - order.index(at)) * similar[at] for at in range(len(order))]


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_agrees_with_the_plain_procedure_for_positive_similarities(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, rng.integers(1, 6))
    values = rng.permutation(1000)[: sizes.sum()].astype(np.float32)
    activations = np.split(values, np.cumsum(sizes)[:-1])
    cosines = [rng.uniform(0, 1, n).astype(np.float32) for n in sizes]
    expected = np.array(plain(activations, cosines))
    found = rank_concepts(activations, cosines).scores
    above = expected > 0
    ties = len(set(rank_concepts(activations, cosines).mean_squares)) < len(sizes)
    if not ties:
        np.testing.assert_allclose(found[above], expected[above], rtol=1e-6)
