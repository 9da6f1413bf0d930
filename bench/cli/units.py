"""Parse and format sizes and time spans."""

from __future__ import annotations

import re

from bench.errors import UserError

_SIZES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

_SPANS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_size(text: str, where: str) -> int:
    """Return the bytes of a size such as 500MB, 1.5GB or 0 (powers of ten, in any case).

    Raises:
        UserError: The size is invalid.
    """
    units = {name.lower(): scale for name, scale in _SIZES.items()}
    hint = "write it like 500MB or 1.5GB"
    return int(_parse(text, {**units, "b": 1}, where, "size", hint))


def parse_span(text: str, where: str) -> float:
    """Return the seconds of a time span such as 30d, 12h, 90min or 2w.

    Raises:
        UserError: The span is invalid.
    """
    return _parse(text, _SPANS, where, "time span", "write it like 30d, 12h or 2w")


def _parse(text: str, units: dict[str, int], where: str, what: str, hint: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if match and (match[2] in units or (not match[2] and float(match[1]) == 0)):
        return float(match[1]) * units.get(match[2], 1)
    raise UserError(f"invalid {what} {text!r}", where=where, hint=hint)


def show_size(size: float) -> str:
    """Format a size with three digits and its unit."""
    for unit, scale in reversed(_SIZES.items()):
        if size >= scale:
            return (
                f"{size / scale:.3g} {unit}"
                if size < 999.5 * scale
                else f"{size / scale:.0f} {unit}"
            )
    return f"{size:.0f} B"


def show_span(seconds: float) -> str:
    """Format a time span with two digits or more and its unit."""
    for unit, scale in reversed(_SPANS.items()):
        if unit != "w" and seconds >= 2 * scale:
            return (
                f"{seconds / scale:.0f} {unit}"
                if seconds >= 10 * scale
                else f"{seconds / scale:.1f} {unit}"
            )
    return f"{seconds:.2f} s"
