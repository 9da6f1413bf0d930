"""Compare a table of units with what follows from descriptions, truth and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from leaderboards.verify.compare import TOLERANCE, compare_columns
from metrics.aggregate import by_sentence_encoder
from metrics.formulas import merge_hits, split_labels
from metrics.labels import true_concepts
from metrics.units import COLUMNS, METRIC_COLUMNS, TEXT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from leaderboards.verify.findings import Findings

RANKED = ("truth_rank", "truth_score", "reciprocal_rank")
"""Columns that need the scores of all concepts, of which a record has the ten best."""
JUDGED = tuple(name for name in METRIC_COLUMNS if "cosine" in name or by_sentence_encoder(name))
"""Columns that need an embedder."""
SCORE_TOLERANCE = 1e-5
"""Of the score of a true name, which may be from another run than the descriptions."""
COSINE_TOLERANCE = 1e-4
"""Of cosines, which depend in their last digits on the batch and the processor."""


def normalise_units(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table from disk with the columns and types of a table in memory."""
    table = table.reindex(columns=list(dict.fromkeys((*COLUMNS, *table.columns))))
    texts = {name: table[name].astype(object) for name in TEXT_COLUMNS}
    filled = {name: column.where(column.notna(), "") for name, column in texts.items()}
    return table.assign(**filled, dead=table["dead"].astype(str) == "True")


def compare_units(
    stored: pd.DataFrame,
    wanted: pd.DataFrame,
    where: str,
    findings: Findings,
    columns: Collection[str],
) -> None:
    """Compare columns with recomputed ones; leave out columns that the file does not have.

    Args:
        stored: The table on disk, normalised.
        wanted: The recomputed table, with the same units.
        where: The file.
        findings: Gets what differs.
        columns: Their names.
    """
    for name in columns:
        if name not in stored or stored[name].isna().all():
            continue
        tolerance = COSINE_TOLERANCE if name in JUDGED else TOLERANCE
        column = stored[name].astype("float32") if name == "score" else stored[name]
        if message := compare_columns(column, wanted[name], wanted["unit"], tolerance):
            findings.differ(f"{where}: {name}", message)


def lexical_columns(wanted: pd.DataFrame) -> list[str]:
    """Return the recomputed columns that follow from labels, truth and rules."""
    return [str(name) for name in wanted if name not in (*RANKED, *JUDGED, "reach")]


def check_cosines(stored: pd.DataFrame, where: str, findings: Findings) -> None:
    """Check that cosines are in [-1, 1], and 1 where label and true name are equal."""
    same = (stored["label"] == stored["truth"]) & (stored["label"] != "") & ~stored["dead"]
    for name in JUDGED:
        whole = same & (name in ("sentence_cosine", "clip_cosine"))
        column = stored[name]
        bad = stored[(column.abs() > 1 + COSINE_TOLERANCE) | (whole & (column < 1 - 1e-3))]
        if len(bad):
            row = bad.iloc[0]
            findings.differ(
                f"{where}: {name}",
                f"unit {row['unit']}: {float(row[name])} for {row['label']!r} and {row['truth']!r}",
            )


def check_ranks(
    stored: pd.DataFrame, given: Mapping[str, Any], where: str, findings: Findings
) -> None:
    """Check rank and score of the true name against the labels of each unit.

    A true name among a unit's labels has the rank and the score that it has there; one that is not
    among them has a greater rank than the last.

    Args:
        stored: The table of units, normalised.
        given: Arguments of `metrics.scoring.score`.
        where: The file.
        findings: Gets what differs.
    """
    rank, score = stored["truth_rank"].to_numpy(), stored["truth_score"].to_numpy()
    if np.isnan(rank).all():
        return
    scored = np.flatnonzero(~np.isnan(rank))
    right = _right_labels(given)
    low, high = np.full(len(rank), np.nan), np.full(len(rank), np.inf)
    wanted_score = score.copy()
    for unit in scored.tolist():
        labels = given["labels"][unit]
        hits = [place for place, label in enumerate(labels) if label in right.get(unit, ())]
        if hits:
            low[unit] = high[unit] = hits[0] + 1
            wanted_score[unit] = given["label_scores"][unit][hits[0]]
        else:
            low[unit] = len(labels) + 1
            # The score of a rank behind the last cannot be above the score of the last.
            if labels and score[unit] > given["label_scores"][unit][-1]:
                wanted_score[unit] = given["label_scores"][unit][-1]
    if given["concepts"] is not None:
        high = np.minimum(high, len(given["concepts"]))
    wanted = pd.Series(np.clip(rank, np.minimum(low, high), high))
    columns = {
        "truth_rank": wanted,
        "truth_score": pd.Series(wanted_score),
        "reciprocal_rank": 1 / stored["truth_rank"],
    }
    for name, column in columns.items():
        tolerance = SCORE_TOLERANCE if name == "truth_score" else TOLERANCE
        if message := compare_columns(stored[name], column, stored["unit"], tolerance):
            findings.differ(f"{where}: {name}", message)


def _right_labels(given: Mapping[str, Any]) -> dict[int, set[str]]:
    """Return the labels that are right for each unit, among all that some unit has."""
    vocabulary = sorted({label for labels in given["labels"] for label in labels})
    owners, names = split_labels(vocabulary, given["reader"])
    units = sorted(given["truth"])
    truths = [given["truth"][unit] for unit in units]
    hits = merge_hits(true_concepts(truths, names, given["rules"]), owners)
    return {
        unit: {vocabulary[number] for number in found.tolist()}
        for unit, found in zip(units, hits, strict=True)
    }
