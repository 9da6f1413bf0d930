"""Detectors: counts of units and labels whose masks overlap enough, by category.

Hidden units have no true names and so no accuracy; the field compares layers by their detectors
instead (Bau et al., CVPR 2017, section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from leaderboards.naming import NamedCell

COLUMNS = (
    "board", "target", "layer", "map_size", "probe", "method", "given", "threshold", "units",
    "detectors", "category", "unique_detectors", "key",
)  # fmt: skip
ALL = "all"
"""The category of the row that counts different labels of all categories."""

_PREFIX = "detectors_"


def detectors_frame(cells: Iterable[NamedCell]) -> pd.DataFrame:
    """Return one row per cell and category, and one for all categories.

    Args:
        cells: Cells of any methods; those whose records hold no counts of detectors give no row.

    Returns:
        Columns `COLUMNS`: `units` of the layer, `detectors` (units whose label's IoU exceeds the
        `threshold`) and `unique_detectors` (different labels among these) of the category.
    """
    rows: list[dict[str, Any]] = []
    for named in cells:
        record, condition = named.cell.record, named.condition
        # JSON may hold anything; skip what is not a count.
        counts = {name: count for name, count in record.counts.items() if type(count) is int}
        if record.status != "ok" or "detectors" not in counts:
            continue
        shared = {
            "board": condition.board,
            "target": condition.target,
            "layer": condition.layer,
            "map_size": _size_in_words(record.target.get("map_size")),
            "probe": condition.probe,
            "method": named.row,
            "given": str(record.method.get("given", "?")),
            "threshold": _threshold(record.method.get("params")),
            "units": counts.get("units", 0),
            "detectors": counts["detectors"],
            "key": record.key,
        }
        found = {ALL: counts.get("unique_detectors", 0), **_categories(counts)}
        rows += [{**shared, "category": k, "unique_detectors": v} for k, v in found.items()]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    order = ["board", "target", "layer", "probe", "method", "key"]
    return table.sort_values(order, kind="stable", ignore_index=True)


def select_detectors(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `detectors_frame` that count some detector of one category."""
    return found[(found["category"] != ALL) & (found["unique_detectors"] > 0)]


def _categories(counts: Mapping[str, int]) -> dict[str, int]:
    return {
        name.removeprefix(_PREFIX): count
        for name, count in sorted(counts.items())
        if name.startswith(_PREFIX)
    }


def _threshold(params: object) -> float | None:
    value = params.get("threshold") if isinstance(params, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _size_in_words(size: object) -> str:
    """Return a map's size in words; units without a map are constant over the image."""
    if isinstance(size, list) and len(size) == 2:
        return f"{size[0]} x {size[1]}"
    return "1 x 1"
