"""Compare the stability of a record's labels with the shares of its units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leaderboards.files import read_csv_gz
from leaderboards.stability import STABILITY, STABILITY_UNITS, read_stability
from leaderboards.verify.compare import is_close
from metrics.aggregate import average
from metrics.catalog import LABEL_STABILITY, METRICS

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from leaderboards.verify.findings import Findings


def check_stability(folder: Path, descriptions: pd.DataFrame, findings: Findings) -> None:
    """Compute the stability anew from the table of shares, and compare the table's labels.

    Args:
        folder: The record's folder.
        descriptions: Its descriptions.
        findings: Gets what differs.

    Raises:
        RecordError: A file is missing or damaged.
    """
    score = read_stability(folder).get(LABEL_STABILITY)
    if score is None or score.value is None:
        return
    types = {"unit": "int64", "label": "str", "share": "float64"}
    table = read_csv_gz(folder / STABILITY_UNITS, types)
    first = descriptions[descriptions["rank"] == 1]
    if dict(zip(table["unit"], table["label"], strict=True)) != dict(
        zip(first["unit"], first["label"], strict=True)
    ):
        findings.differ(STABILITY_UNITS, "its labels are not the first labels of the units")
    shares = table["share"].to_numpy(dtype=np.float64)
    found = average(
        METRICS[LABEL_STABILITY],
        shares,
        seed=int(score.detail["seed"]),
        reason="no unit has a label",
    )
    for name in ("value", "ci_low", "ci_high", "n"):
        own, wanted = getattr(score, name), getattr(found, name)
        if not is_close(own, wanted):
            findings.differ(f"{STABILITY}: {LABEL_STABILITY}.{name}", f"{own} instead of {wanted}")
