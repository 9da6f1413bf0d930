"""Axes of plots: from values to pixels, with ticks at round numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Axis:
    """An axis of a plot.

    Attributes:
        low: Value at `start`.
        high: Value at `end`.
        start: Pixel.
        end: Pixel; below `start` for an axis that points upwards.
        ticks: Values with a label.
        is_log: Whether it is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high, at = self.low, self.high, value
        if self.is_log:
            low, high, at = math.log10(low), math.log10(high), math.log10(value)
        share = (at - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)


def linear_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """Return an axis from the round number below the least value to that above the greatest."""
    low, high = min(values), max(values)
    step = _round_step((high - low) / 5 or 0.1)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(round(number * step, 10) for number in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], start, end, ticks)


def log_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """Return a logarithmic axis around positive values, with ticks at powers of ten.

    Within less than two powers of ten, 2 and 5 times a power are ticks too.
    """
    low, high = min(values) / 1.3, max(values) * 1.3
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if math.log10(high / low) < 2 else (1,)
    ticks = tuple(t for p in powers for factor in factors if low <= (t := factor * 10.0**p) <= high)
    return Axis(low, high, start, end, ticks, is_log=True)


def _round_step(step: float) -> float:
    """Return the least of 1, 2, 5 and 10 times a power of ten that is not below a step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
