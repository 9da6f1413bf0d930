"""Detectors by category: a table for each layer and probe set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboards.detectors import ALL

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DetectorTable:
    """Unique detectors of a layer.

    Attributes:
        title: Network, layer and probe set.
        categories: The columns; the last counts different labels of all categories.
        rows: By method, the number of units and the counts in the order of the categories.
        most: The greatest count, at least 1.
    """

    title: str
    categories: tuple[str, ...]
    rows: dict[str, tuple[int, tuple[int, ...]]]
    most: int


def tabulate_detectors(detectors: pd.DataFrame, board: str) -> list[DetectorTable]:
    """Return the tables of a board.

    Args:
        detectors: `leaderboards.detectors.detectors_frame`.
        board: Name of the board.
    """
    tables = []
    own = detectors[detectors["board"] == board]
    for _, group in own.groupby(["target", "layer", "probe"], sort=False):
        first = group.iloc[0]
        found = sorted(set(group["category"]), key=lambda name: (name == ALL, name))
        rows = {}
        for method, counted in group.groupby("method", sort=False):
            counts = dict(zip(counted["category"], counted["unique_detectors"], strict=True))
            by_category = tuple(int(counts.get(name, 0)) for name in found)
            rows[str(method)] = (int(counted["units"].iloc[0]), by_category)
        title = ", ".join(str(first[name]) for name in ("target", "layer", "probe"))
        most = max(1, int(group["unique_detectors"].max()))
        tables.append(DetectorTable(title, tuple(found), rows, most))
    return tables
