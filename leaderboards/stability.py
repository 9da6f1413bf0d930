"""Stability of a record's labels under resampled probe images, in files of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.files import csv_bytes, gzip_bytes, json_bytes, replace_file
from leaderboards.record import RecordError, read_json_object
from leaderboards.scores import parse_each
from metrics.catalog import LABEL_STABILITY

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from metrics.scores import Score

STABILITY, STABILITY_UNITS = "stability.json", "stability.csv.gz"
_SCHEMA = 1


def write_stability(folder: Path, score: Score, units: pd.DataFrame | None = None) -> None:
    """Write the stability of a record's labels beside them, or replace it.

    Args:
        folder: The record's folder.
        score: The mean over units; its details are `resamples` and `seed`.
        units: Table unit, label, share; None where the labels cannot be resampled.

    Raises:
        RecordError: The score holds a value that has no JSON form.
    """
    content = {"schema": _SCHEMA, "scores": {LABEL_STABILITY: score.to_json()}}
    data = json_bytes(content)
    if units is not None:
        replace_file(folder / STABILITY_UNITS, gzip_bytes(csv_bytes(units)))
    replace_file(folder / STABILITY, data)


def read_stability(folder: Path) -> dict[str, Score]:
    """Read the stability of a record's labels, by score name; empty where it was not measured.

    Raises:
        RecordError: The file is damaged, unreadable, or of a later version.
    """
    path = folder / STABILITY
    if not path.exists():
        return {}
    return parse_each(read_json_object(path, _SCHEMA).get("scores"), f"{path}: scores")


def has_stability(folder: Path, resamples: int, seed: int) -> bool:
    """Return whether the labels were resampled so often with this seed.

    Treat a damaged file as missing.

    Raises:
        RecordError: The file is unreadable, or of a later version.
    """
    try:
        score = read_stability(folder).get(LABEL_STABILITY)
    except RecordError as error:
        if error.fault == "damaged":
            return False
        raise
    return score is not None and score.detail == {"resamples": resamples, "seed": seed}
