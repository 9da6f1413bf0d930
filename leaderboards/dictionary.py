"""The tables of a board that are written as files, and what each of their columns means."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leaderboards.board import Board

_FILE = Path(__file__).with_name("columns.csv")
COLUMNS = ("table", "column", "type", "unit", "meaning")


def score_tables(board: Board) -> dict[str, pd.DataFrame]:
    """Return the tables of scores by name; those that are empty only where readers expect them."""
    tables = {"results": board.results, "summary": board.summary}
    others = {
        "detectors": board.detectors,
        "judges": board.judges,
        "sensitivity": board.sensitivity,
        "confidence": board.confidence,
        "seeds": board.seeds,
        "faithfulness": board.faithfulness_scores,
    }
    return tables | {name: table for name, table in others.items() if len(table)}


def describe_columns(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row for each column of some tables: its type, unit and meaning.

    Args:
        tables: Tables by name; each column is described in columns.csv.
    """
    known = _load()
    rows = [
        (name, column, *(known.get((name, column)) or known["*", column]))
        for name, table in tables.items()
        for column in (*table.columns, "provenance")
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@cache
def _load() -> dict[tuple[str, str], tuple[str, str, str]]:
    """Return type, unit and meaning by table, "*" for any, and column."""
    with _FILE.open(encoding="utf-8", newline="") as stream:
        return {
            (name, row["column"]): (row["type"], row["unit"], row["meaning"])
            for row in csv.DictReader(stream)
            for name in row["tables"].split()
        }
