"""Check a record's tables against their hashes, and its descriptions for consistency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leaderboards.files import sha256_unpacked
from leaderboards.record import RecordError
from leaderboards.record_tables import DESCRIPTIONS, hash_tables, units_path
from leaderboards.stability import STABILITY_UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from leaderboards.record import Record
    from leaderboards.scores import ScoreSet
    from leaderboards.verify.findings import Findings


def check_hashes(folder: Path, record: Record, findings: Findings) -> None:
    """Compare the tables of labels with the hashes in record.json."""
    try:
        found = hash_tables(folder)
    except RecordError as error:
        findings.mismatches.append(str(error).replace(f"{folder}/", ""))
        return
    if not record.tables:
        findings.trust("tables of labels", "the record has no hashes; --add-hashes adds them")
        return
    stored = {name: own for name, own in record.tables.items() if name != STABILITY_UNITS}
    compare_hashes(stored, found, findings)


def check_score_hashes(
    folder: Path, scores: ScoreSet, findings: Findings, described: str | None
) -> None:
    """Compare a table of units, and the descriptions that were scored, with their hashes.

    Args:
        folder: The record's folder.
        scores: A scores file.
        findings: Gets what differs.
        described: The sha256 of the descriptions on disk; None if they cannot be read.
    """
    path = units_path(folder, scores.skey)
    if not scores.tables:
        findings.trust("tables of units", "the scores have no hashes; --add-hashes adds them")
        return
    found = {path.name: sha256_unpacked(path)}
    if described is not None:
        found[DESCRIPTIONS] = described
    where = f"scores/{scores.skey}.json: tables: "
    compare_hashes(scores.tables, found, findings, where)


def compare_hashes(
    stored: Mapping[str, str], found: Mapping[str, str], findings: Findings, where: str = ""
) -> None:
    """Compare recorded sha256 by file with those of the files on disk."""
    for name in sorted(stored.keys() | found.keys()):
        if name not in found:
            findings.differ(f"{where}{name}", "the file is missing")
        elif name not in stored:
            findings.differ(f"{where}{name}", "the file has no hash")
        elif stored[name] != found[name]:
            findings.differ(
                f"{where}{name}",
                f"sha256 {str(stored[name])[:12]} is recorded, the file has {found[name][:12]}",
            )


def check_descriptions(table: pd.DataFrame, record: Record, findings: Findings) -> None:
    """Check ranks, their order by score, and the counts of units in record.json."""
    units = int(record.target["units"])
    outside = table.loc[~table["unit"].between(0, units - 1), "unit"]
    if len(outside):
        findings.differ(DESCRIPTIONS, f"unit {outside.iloc[0]} is not one of the {units} units")
    rank = table.groupby("unit", sort=False).cumcount() + 1
    wrong = table[table["rank"] != rank]
    if len(wrong):
        findings.differ(
            DESCRIPTIONS, f"the ranks of unit {wrong['unit'].iloc[0]} are not 1, 2, ... in order"
        )
    elif record.origin == "measured":
        score = table["score"].to_numpy()
        rises = np.flatnonzero((table["rank"].to_numpy()[1:] > 1) & (score[1:] > score[:-1]))
        if rises.size:
            row = table.iloc[rises[0] + 1]
            findings.differ(
                DESCRIPTIONS,
                f"unit {row['unit']}: the score of rank {row['rank']} is above that of the rank "
                "before it",
            )
    skipped = {*record.target["dead_units"], *record.target.get("left_out", ())}
    unlabelled = units - len(skipped | set(table["unit"]))
    counts = {"units": units, "dead": len(record.target["dead_units"]), "unlabelled": unlabelled}
    for name, wanted in counts.items():
        if record.counts.get(name, wanted) != wanted:
            findings.differ(
                f"record.json: counts.{name}", f"{record.counts[name]} instead of {wanted}"
            )
