"""Scores on the scale from floor to ceiling, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from metrics.scale import ScaledScore, scale_score
from metrics.scores import Score


def test_the_better_floor_is_0_and_the_ceiling_is_1() -> None:
    floors = [Score(0.1), Score(0.2, 0.15, 0.3), None, Score(None)]
    found = scale_score(Score(0.6, 0.5, 0.65), floors, Score(0.9))
    assert (found.floor, found.ceiling, found.reason) == (0.2, 0.9, "")
    # (0.6 - 0.2) / 0.7, (0.5 - 0.2) / 0.7, (0.65 - 0.2) / 0.7
    assert [found.value, found.low, found.high] == pytest.approx([4 / 7, 3 / 7, 9 / 14])
    assert scale_score(Score(0.2), floors, Score(0.9)).value == 0
    assert scale_score(Score(0.9), floors, Score(0.9)).value == 1
    assert scale_score(Score(0.1), floors, Score(0.9)).value == pytest.approx(-1 / 7)
    assert scale_score(Score(0.6), floors, Score(0.9)).low is None


def test_of_ranks_the_least_is_the_ceiling() -> None:
    def rank(value: float, *ends: float) -> Score:
        return Score(value, *ends, higher_is_better=False)

    found = scale_score(rank(4, 3, 6), [rank(11), rank(20)], rank(1))
    assert [found.value, found.low, found.high] == pytest.approx([0.7, 0.5, 0.8])
    assert (found.floor, found.ceiling) == (11, 1)


def test_a_missing_number_has_a_reason() -> None:
    meet = "the ceiling is not above the floor"
    assert scale_score(Score(0.5), [Score(0.5)], Score(0.5)) == ScaledScore(
        floor=0.5, ceiling=0.5, reason=meet
    )
    assert scale_score(Score(0.5), [Score(0.6)], Score(0.5)).reason == meet
    for floors, ceiling in (([None], Score(1.0)), ([Score(0.1)], None), ([], Score(None))):
        found = scale_score(Score(0.5), floors, ceiling)
        assert (found.value, found.reason) == (None, "no floor or no ceiling to scale by")
    found = scale_score(Score(None), [Score(0.1)], Score(0.9))
    assert (found.value, found.reason, found.floor) == (None, "there is no score to scale", 0.1)
