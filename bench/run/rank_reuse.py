"""Reuse the ranks of true names from another scores file of a record.

Ranks need the full score matrix, which the cache holds only for a while. They do not depend on the
judge, so scores by another judge under the same truth and rules have the same ranks.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from leaderboards.record import RecordError
from leaderboards.record_tables import read_units
from leaderboards.scores import read_scores
from metrics.aggregate import SELECTIVE
from metrics.catalog import AVERAGES
from metrics.context import RANK_COLUMNS
from metrics.scoring import NO_MATRIX

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

_COLUMNS = [*sorted(RANK_COLUMNS), "truth_score"]
_DECIDING = ("truth", "rules", "seed", "units")
"""Keys of `scoring` that ranks and their intervals depend on, besides the labels."""


def reuse_ranks(
    folder: Path, content: dict[str, Any], units: pd.DataFrame
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Fill ranks that lack their score matrix from another scores file of the record.

    Args:
        folder: The record's folder.
        content: The new scores file.
        units: Its table of units.

    Returns:
        Both, with ranks where another file has them, else unchanged.
    """
    if content["scores"]["mean_rank"].get("reason") != NO_MATRIX:
        return content, units
    for path in sorted(folder.glob("scores/[!.]*.json")):
        with suppress(RecordError):
            other = read_scores(path)
            same = all(other.scoring.get(key) == content["scoring"].get(key) for key in _DECIDING)
            if same and other.scores["mean_rank"].value is not None:
                return _fill(content, units, path, read_units(folder, other.skey))
    return content, units


def _fill(
    content: dict[str, Any], units: pd.DataFrame, path: Path, other_units: pd.DataFrame
) -> tuple[dict[str, Any], pd.DataFrame]:
    other = json.loads(path.read_text(encoding="utf-8"))

    def fill(own: dict[str, Any], ranked: dict[str, Any]) -> dict[str, Any]:
        return {name: ranked.get(name, own[name]) if _is_rank(name) else own[name] for name in own}

    controls = other["controls"]
    merged = {
        **content,
        "scores": fill(content["scores"], other["scores"]),
        "controls": {
            name: fill(own, controls.get(name, {})) for name, own in content["controls"].items()
        },
    }
    columns = other_units.set_index("unit").loc[units["unit"], _COLUMNS]
    return merged, units.assign(**{name: columns[name].to_numpy() for name in _COLUMNS})


def _is_rank(name: str) -> bool:
    """Return whether a score is an average of ranks, such as "mrr" or "selective_mean_rank"."""
    metric = AVERAGES.get(name.removeprefix(SELECTIVE).partition("[")[0])
    return metric is not None and metric.column in RANK_COLUMNS
