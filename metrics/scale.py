"""One scale for scores of concept sets and probe sets of different difficulty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metrics.scores import Score


@dataclass(frozen=True)
class ScaledScore:
    """A score between its floor (0) and its ceiling (1); None where there is no such number.

    Attributes:
        value: (score - floor) / (ceiling - floor); below 0 for a score below the floor.
        low: Lower end of the 95 % interval, scaled alike.
        high: Upper end.
        floor: The better of the floors.
        ceiling: The ceiling.
        reason: Why there is no value.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    reason: str = ""


def scale_score(score: Score, floors: Iterable[Score | None], ceiling: Score | None) -> ScaledScore:
    """Return (score - floor) / (ceiling - floor), where the floor is the best of some scores.

    The ends of the interval are scaled alike, with floor and ceiling taken as given. As all scores
    of a column with one floor and one ceiling are scaled alike, comparisons of methods are those of
    the unscaled scores.

    Args:
        score: The score to scale.
        floors: Scores that need nothing of the network; None for one that was not computed.
        ceiling: The best possible score; None if it was not computed.

    Example:
        >>> from metrics.scores import Score
        >>> found = scale_score(Score(0.6), [Score(0.1), Score(0.2)], Score(0.9))
        >>> round(found.value, 3), found.floor
        (0.571, 0.2)
    """
    valued = [one for one in floors if one is not None and one.value is not None]
    floor = max(valued, key=lambda one: one.goodness).value if valued else None
    top = None if ceiling is None else ceiling.value
    if floor is None or top is None:
        return ScaledScore(floor=floor, ceiling=top, reason="no floor or no ceiling to scale by")
    if top == floor or (top > floor) != score.higher_is_better:
        return ScaledScore(floor=floor, ceiling=top, reason="the ceiling is not above the floor")

    def scale(value: float | None) -> float | None:
        return None if value is None else (value - floor) / (top - floor)

    ends = (scale(score.ci_low), scale(score.ci_high))
    low, high = ends if score.higher_is_better else ends[::-1]
    reason = "" if score.value is not None else "there is no score to scale"
    return ScaledScore(scale(score.value), low, high, floor, top, reason)
