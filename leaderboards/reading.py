"""How labels were read for a score, where releases differ in it; the rows stand in one column.

`scoring["reading"]` of a scores file says so for the labels that it concerns (sentences, and mask
labels under the official rules), so that their scores have a key of their own. It does not part
rows: what counts as right is the same for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leaderboards.scores import ScoreSet

READING = "reading"


def without_reading(scoring: Mapping[str, Any]) -> dict[str, Any]:
    """What labels were judged by, whichever release read them."""
    return {key: value for key, value in scoring.items() if key != READING}


def newest(scores: Iterable[ScoreSet]) -> tuple[ScoreSet, ...]:
    """A record's scores without those that a later release has read anew."""
    listed = tuple(scores)
    again = [without_reading(found.scoring) for found in listed if READING in found.scoring]
    return tuple(
        found for found in listed if READING in found.scoring or found.scoring not in again
    )


def plain_labels(scores: Sequence[ScoreSet]) -> ScoreSet:
    """The first of a record's scores whose table holds labels in plain words, if one does."""
    return min(scores, key=lambda found: "mask_labels" in found.scoring.get(READING, ()))
