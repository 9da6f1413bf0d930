"""A warning where true names are comma-joined synonyms and a method's labels copy that form.

The cosine with the whole published name ("tench, Tinca tinca") rewards a label that is such a list,
right or wrong, against one that is a single name. The cosine with the nearest synonym does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.columns import show
from leaderboards.hashing import page_json
from leaderboards.storage import read_units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leaderboards.scores import ScoreSet
    from leaderboards.sheets import Row

WHOLE, NEAREST = "sentence_cosine", "sentence_cosine_best_synonym"
_SHOWN = 4
"""Methods whose values a warning gives."""


class JoinedLabels:
    """Counts a record's labels that are comma-joined true names; opens few tables."""

    def __init__(self) -> None:
        """Know no truth yet."""
        self._plain: set[str] = set()

    def share(self, folder: Path, scores: ScoreSet) -> float:
        """Return the share of labelled units whose label is a comma-joined true name.

        Args:
            folder: The record's folder.
            scores: One of its scores files, whose table of units is read unless its truth is known
                to have no such names.

        Raises:
            RecordError: The table is missing, damaged, or of another layout.
        """
        whole, truth = scores.scores.get(WHOLE), page_json(scores.scoring.get("truth"))
        if whole is None or whole.value is None or truth in self._plain:
            return 0.0
        table = read_units(folder, scores.skey)
        names = {name for name in table["truth"] if "," in name}
        if not names:
            self._plain.add(truth)
            return 0.0
        labels = table["label"][(table["truth"] != "") & (table["label"] != "")]
        return float(labels.isin(names).mean()) if len(labels) else 0.0


def warn_of_joined(rows: Sequence[Row]) -> str:
    """Return what a reader of a column's cosines must know; empty where no label copies the form.

    Args:
        rows: The column's methods.
    """
    copying = [row for row in rows if row.joined]
    if not copying:
        return ""
    shares = [f"{row.label} ({row.joined:.0%})" for row in copying]
    values = {row.label: own.value for row in rows if (own := row.scores.get(NEAREST))}
    best = sorted(((-v, label) for label, v in values.items() if v is not None))[:_SHOWN]
    told = ", ".join(f"{label} {show(-value, 'share')}" for value, label in best)
    return (
        "The true names are comma-joined synonyms, and some labels copy that form: "
        f"{_listed(shares)}. The cosine with the whole name rewards the form, right or wrong; "
        f"compare by the nearest synonym: {told or 'not computed'}."
    )


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
