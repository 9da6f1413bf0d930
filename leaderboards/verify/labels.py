"""Compare the labels of two runs of one cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.record_tables import DESCRIPTIONS

if TYPE_CHECKING:
    import pandas as pd

    from leaderboards.verify.findings import Findings

CLOSE = 2e-4
"""Labels whose scores differ by less may change places between machines."""
TOLERANCE = 5e-4
"""Of scores, the rounding of float32 arithmetic."""


def compare_labels(stored: pd.DataFrame, again: pd.DataFrame, findings: Findings) -> None:
    """Compare first labels and their scores.

    Args:
        stored: The descriptions on disk.
        again: Those of a new run.
        findings: Gets what differs.
    """
    first = _first(stored).join(_first(again).add_suffix("_again"), how="outer")
    other = first[(first["label"] != first["label_again"]) & ~(first["gap_again"] < CLOSE)]
    if len(other):
        row = other.iloc[0]
        findings.differ(
            DESCRIPTIONS,
            f"the first labels of {len(other)} units differ from those of a new run, first unit "
            f"{other.index[0]}: {row['label']!r} instead of {row['label_again']!r}",
        )
    scale = first["score_again"].abs().clip(lower=1.0)
    far = first[(first["score"] - first["score_again"]).abs() > TOLERANCE * scale]
    if len(far):
        row = far.iloc[0]
        findings.differ(
            DESCRIPTIONS,
            f"the first scores of {len(far)} units differ from those of a new run, first unit "
            f"{far.index[0]}: {float(row['score'])} instead of {float(row['score_again'])}",
        )


def _first(table: pd.DataFrame) -> pd.DataFrame:
    """Return by unit the first label, its score, and how far the second score is below."""
    ordered = table.sort_values(["unit", "rank"], kind="stable").set_index("unit")
    first = ordered[ordered["rank"] == 1]
    second = ordered.loc[ordered["rank"] == 2, "score"]
    return first[["label", "score"]].assign(gap=first["score"] - second.reindex(first.index))
