"""Labels that copy the comma-joined form of true names ("tench, Tinca tinca").

The cosine with the whole published name rewards a label that is such a list, right or wrong,
against a label that is a single name. The cosine with the nearest synonym does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.hashing import page_json
from leaderboards.record_tables import read_units

if TYPE_CHECKING:
    from pathlib import Path

    from leaderboards.scores import ScoreSet

WHOLE, NEAREST = "sentence_cosine", "sentence_cosine_best_synonym"


class CommaJoinedCounter:
    """Counts labels that are comma-joined true names; remembers truths that have no such name."""

    def __init__(self) -> None:
        """Start with an empty memory."""
        self._without: set[str] = set()

    def fraction(self, folder: Path, scores: ScoreSet) -> float:
        """Return the fraction of labelled units whose label is a comma-joined true name.

        Args:
            folder: The record's folder.
            scores: One of its scores files. Its table of units is read, unless its truth is known
                to have no comma-joined name.

        Raises:
            RecordError: The table is missing, damaged, or has another layout.
        """
        whole, truth = scores.scores.get(WHOLE), page_json(scores.scoring.get("truth"))
        if whole is None or whole.value is None or truth in self._without:
            return 0.0
        table = read_units(folder, scores.skey)
        names = {name for name in table["truth"] if "," in name}
        if not names:
            self._without.add(truth)
            return 0.0
        labels = table["label"][(table["truth"] != "") & (table["label"] != "")]
        return float(labels.isin(names).mean()) if len(labels) else 0.0
