"""Numbers and intervals as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from metrics.catalog import Format


def count(number: int, noun: str) -> str:
    """Return a number of things: "1 record", "2 records"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def show(value: float | None, form: Format, digits: int = 3) -> str:
    """Round a number for a reader; "—" for none.

    A fraction other than 0 or 1 is never shown as one of them: whether a column is saturated must
    not depend on the rounding.
    """
    if value is None:
        return "—"
    if form == "count":
        return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
    if form == "rank":
        return f"{value:.1f}"
    text = f"{value:.{digits}f}"
    unit = 10.0**-digits
    if abs(value) > 0 and float(text) == 0:
        return f"<{unit:.{digits}f}" if value > 0 else f"-<{unit:.{digits}f}"
    if value < 1 and float(text) == 1:
        return f">{1 - unit:.{digits}f}"
    return text


def show_interval(low: float | None, high: float | None, form: Format) -> str:
    """Return `[low, high]`, fractions with two digits; empty where there is no interval."""
    if low is None or high is None:
        return ""
    ends = [f"{end:.2f}" if form == "fraction" else show(end, form) for end in (low, high)]
    return f"[{ends[0]}, {ends[1]}]"


def show_seconds(value: Any) -> str:
    """Return a time with its unit; "—" for a missing one."""
    if pd.isna(value):
        return "—"
    if value >= 100:
        return f"{value:.0f} s"
    if value >= 1:
        return f"{value:.1f} s"
    return f"{value * 1e3:.1f} ms" if value >= 1e-3 else f"{value * 1e6:.0f} µs"


def show_bytes(value: Any) -> str:
    """Return a size in MiB; "—" for a missing one."""
    return "—" if pd.isna(value) else f"{value / 2**20:.0f} MiB"
