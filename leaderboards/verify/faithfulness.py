"""Compare the faithfulness of a record's labels with the table of its units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leaderboards.faithfulness import (
    FOLDER,
    faithfulness_files,
    read_faithfulness_with_units,
    units_path,
)
from leaderboards.files import sha256_unpacked
from leaderboards.record_tables import DESCRIPTIONS
from leaderboards.verify.compare import is_close
from leaderboards.verify.tables import compare_hashes
from metrics.faithfulness_scores import LIMITS
from metrics.statistics import bca_mean

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from leaderboards.verify.findings import Findings


def check_faithfulness(folder: Path, descriptions: pd.DataFrame, findings: Findings) -> None:
    """Compute means and intervals anew from the tables of units, and compare labels and hashes.

    Chance levels, ceilings and p-values need the activations, and are trusted.

    Args:
        folder: The record's folder.
        descriptions: Its descriptions.
        findings: Gets what differs.

    Raises:
        RecordError: A file is missing or damaged.
    """
    first = descriptions[descriptions["rank"] == 1]
    labels = dict(zip(first["unit"], first["label"], strict=True))
    for path in faithfulness_files(folder):
        scores, units = read_faithfulness_with_units(path)
        where = f"{FOLDER}/{path.name}"
        table = units_path(folder, scores.fkey)
        found = {file.name: sha256_unpacked(file) for file in (table, folder / DESCRIPTIONS)}
        compare_hashes(scores.tables, found, findings, f"{where}: tables: ")
        named = units[units["label"] != ""]
        if dict(zip(named["unit"], named["label"], strict=True)) != labels:
            findings.differ(f"{FOLDER}/{table.name}", "its labels are not those of the record")
        for name, score in scores.scores.items():
            values = units[name].to_numpy(np.float64)
            values = values[~np.isnan(values)]
            low, high = bca_mean(values, seed=scores.setting["seed"], limits=LIMITS.get(name))
            mean = float(values.mean()) if len(values) else None
            wanted = {"value": mean, "ci_low": low, "ci_high": high, "n": len(values)}
            for part, value in wanted.items():
                own = getattr(score, part)
                if not is_close(own, value):
                    findings.differ(f"{where}: {name}.{part}", f"{own} instead of {value}")
        findings.trust(
            "chance levels, ceilings and p-values of faithfulness", "a network is needed"
        )
