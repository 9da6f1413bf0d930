"""Compare stored values with recomputed ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-9
"""Differences below this, relative to numbers above 1, come from rounding."""


def is_close(stored: object, wanted: object, tolerance: float = TOLERANCE) -> bool:
    """Return whether two JSON values are equal, numbers within a tolerance."""
    if isinstance(stored, dict) and isinstance(wanted, dict):
        return stored.keys() == wanted.keys() and all(
            is_close(stored[key], wanted[key], tolerance) for key in stored
        )
    if isinstance(stored, int | float) and isinstance(wanted, int | float):
        return math.isclose(stored, wanted, rel_tol=tolerance, abs_tol=tolerance)
    return stored == wanted


def compare_columns(
    stored: pd.Series, wanted: pd.Series, units: pd.Series, tolerance: float = TOLERANCE
) -> str:
    """Return how two columns of units differ; empty if they agree.

    Args:
        stored: The column on disk.
        wanted: The recomputed column, in the same order.
        units: The unit of each row.
        tolerance: Of numbers, as in `is_close`; NaN equals NaN.
    """
    first, second = stored.to_numpy(), wanted.to_numpy()
    if np.issubdtype(second.dtype, np.number):
        same = np.isclose(first, second, rtol=tolerance, atol=tolerance, equal_nan=True)
    else:
        same = first == second
    rows = np.flatnonzero(~same)
    if not rows.size:
        return ""
    row = rows[0]
    count = f"{rows.size} units differ, the first is" if rows.size > 1 else "differs at"
    found, own = stored.iloc[row : row + 1].tolist()[0], wanted.iloc[row : row + 1].tolist()[0]
    return f"{count} unit {units.iloc[row]}: {found!r} instead of {own!r}"
