"""How a release reads labels before it scores them.

Releases differ in how they read sentences, and mask labels under the official rules. The scores
files of such labels name their reading in `scoring["reading"]`, and so have another key. Rows of
different readings still share a condition, since the same labels count as right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leaderboards.scores import ScoreSet

READING = "reading"


def without_reading(scoring: Mapping[str, Any]) -> dict[str, Any]:
    """Return what labels were scored by, without the release that read them."""
    return {key: value for key, value in scoring.items() if key != READING}


def newest(scores: Iterable[ScoreSet]) -> tuple[ScoreSet, ...]:
    """Return a record's scores files without those that a later release has replaced."""
    listed = tuple(scores)
    again = [without_reading(found.scoring) for found in listed if READING in found.scoring]
    return tuple(
        found for found in listed if READING in found.scoring or found.scoring not in again
    )


def plain_labels(scores: Sequence[ScoreSet]) -> ScoreSet:
    """Return the first of a record's scores files whose table has labels in plain words."""
    return min(scores, key=lambda found: "mask_labels" in found.scoring.get(READING, ()))
