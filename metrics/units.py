"""The table of units: one row per unit of the layer, the basis of every aggregate.

Columns: unit, truth, group, label, score, truth_rank, truth_score, dead, then one column per
metric. "" stands for no truth, no group and no label; NaN for no value. Floats are written with
all their digits, so that a table read back gives the same aggregates to the last bit.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

TEXT_COLUMNS = ("truth", "group", "label")
METRIC_COLUMNS = (
    "accuracy_at_1",
    "accuracy_at_5",
    "reciprocal_rank",
    "sentence_cosine",
    "sentence_cosine_best_synonym",
    "clip_cosine",
    "clip_cosine_best_synonym",
    "lexical_match",
    "nearest_name",
)
COLUMNS = (
    "unit",
    *TEXT_COLUMNS,
    "score",
    "truth_rank",
    "truth_score",
    "dead",
    *METRIC_COLUMNS,
)


_LATER = frozenset({"nearest_name"})
"""Columns that older tables lack: without a value there."""


def units_csv(units: pd.DataFrame) -> str:
    """The table as CSV text: Unix line ends, floats with all digits, nothing for NaN."""
    return str(units.to_csv(index=False, lineterminator="\n"))


def read_units(source: str | Path | IO[str]) -> pd.DataFrame:
    """Read a table that `units_csv` wrote; a path ending in .gz is decompressed.

    pandas' own list of missing values is switched off for text: "nan", "null" and "none" are
    English words, and labels.

    Raises:
        ValueError: A column is missing, or a cell is not of its column's kind.
    """
    cells = pd.read_csv(source, dtype=str, keep_default_na=False, na_filter=False)
    missing = [name for name in COLUMNS if name not in cells.columns and name not in _LATER]
    if missing:
        raise ValueError(f"the table of units lacks the column(s) {', '.join(missing)}")
    units = cells.reindex(columns=[*cells.columns, *(_LATER - set(cells.columns))], fill_value="")
    cells = units.copy()
    units["unit"] = cells["unit"].astype("int64")
    unknown = set(cells["dead"]) - {"True", "False"}
    if unknown:
        raise ValueError(f"column dead holds {sorted(unknown)[0]!r}; it holds True or False")
    units["dead"] = cells["dead"] == "True"
    for name in cells.columns.difference(["unit", "dead", *TEXT_COLUMNS]):
        units[name] = [float(cell) if cell else float("nan") for cell in cells[name]]
    for name in TEXT_COLUMNS:
        units[name] = cells[name].astype(object)
    return units
