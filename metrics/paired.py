"""Compare all pairs of methods over the same units, with error rates that hold for all pairs.

Right/wrong values are compared by McNemar's exact test, with p-values corrected by Holm's method.
Means are compared by the studentised maximum over all pairs of a paired bootstrap (max-T: Westfall
and Young, 1993, section 2.6), which draws the same units for all methods and thereby keeps their
correlation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri
from scipy.stats import binom

from metrics.statistics import resample_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05
"""Chance of calling any two equal methods different in one column."""

RESAMPLES = 4000

_ROUNDING = 1e-9

_NO_VARIANCE = 1e-15
"""Share of the largest square up to which a variance counts as a rounding error."""


@dataclass(frozen=True)
class Comparison:
    """All pairs of R methods over N units that all of them have.

    Attributes:
        n: N.
        means: Mean of each method [R].
        differences: Mean of method i minus method j [R, R].
        p: p-values, corrected for all pairs [R, R]; 1 on the diagonal.
        low: Lower ends of simultaneous 95 % intervals of the differences [R, R].
        high: Upper ends.
        smallest: The smallest difference that can be significant: of right/wrong values, where no
            unit contradicts it; of means, at the median standard error of all pairs. NaN if none.
    """

    n: int
    means: NDArray[np.float64]
    differences: NDArray[np.float64]
    p: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    smallest: float

    @property
    def better(self) -> NDArray[np.bool_]:
        """Whether method i is significantly better than method j, where more is better [R, R]."""
        better: NDArray[np.bool_] = (self.p <= ALPHA) & (self.differences > 0)
        return better

    @property
    def rank_intervals(self) -> list[tuple[int, int]]:
        """Best and worst rank of each method that the tests leave open (Mohamad et al., 2019)."""
        better = self.better
        first = better.sum(axis=0) + 1
        last = len(better) - better.sum(axis=1)
        return [(int(low), int(high)) for low, high in zip(first, last, strict=True)]

    @property
    def letters(self) -> list[str]:
        """Compact letters: methods that share a letter do not differ significantly."""
        order = np.argsort(-self.means, kind="stable")
        differ = self.p[np.ix_(order, order)] <= ALPHA
        sorted_letters = compact_letters(differ)
        letters = [""] * len(order)
        for place, row in enumerate(order):
            letters[row] = sorted_letters[place]
        return letters


def compare_pairs(values: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Comparison:
    """Compare all pairs of methods; values that are all 0 or 1 are right/wrong values.

    Args:
        values: One number per method and unit [R, N]; NaN where a method has none. Units without a
            number for some method are left out.
        seed: Seed of the resampling.
        resamples: Number of bootstrap resamples.
    """
    table = np.asarray(values, dtype=np.float64)
    table = table[:, ~np.isnan(table).any(axis=0)]
    if np.isin(table, (0.0, 1.0)).all():
        return _compare_decisions(table)
    return _compare_means(table, seed, resamples)


def _compare_decisions(table: NDArray[np.float64]) -> Comparison:
    """Compare right/wrong values; their intervals are those of Bonett and Price (2012, eq. 6)."""
    rows, n = table.shape
    pairs = max(1, rows * (rows - 1) // 2)
    wins = table @ (1 - table).T  # units where i is right and j is wrong
    discordant = wins + wins.T
    p = np.minimum(1.0, 2 * binom.cdf(np.minimum(wins, wins.T), discordant, 0.5))
    upper = np.triu_indices(rows, 1)
    corrected = np.ones((rows, rows))
    corrected[upper] = holm(p[upper])
    corrected = np.minimum(corrected, corrected.T)
    won, lost = (wins + 1) / (n + 2), (wins.T + 1) / (n + 2)
    half = -ndtri(ALPHA / 2 / pairs) * np.sqrt((won + lost - (won - lost) ** 2) / (n + 2))
    needed = int(np.ceil(1 - np.log2(ALPHA / pairs)))  # 2 * 0.5^k <= ALPHA / pairs
    return Comparison(
        n=n,
        means=table.sum(axis=1) / n if n else np.full(rows, np.nan),
        differences=(wins - wins.T) / n if n else np.full((rows, rows), np.nan),
        p=corrected,
        low=np.maximum(-1, won - lost - half),
        high=np.minimum(1, won - lost + half),
        smallest=needed / n if needed <= n else float("nan"),
    )


def _compare_means(table: NDArray[np.float64], seed: int, resamples: int) -> Comparison:
    rows, n = table.shape
    # Compare methods with equal values once: settings often change no label.
    distinct, place = np.unique(table, axis=0, return_inverse=True)
    counts = resample_counts(n, resamples, seed).T
    differences, errors = _mean_differences(distinct)
    maxima = _bootstrap_maxima(distinct, differences, counts)
    differences, errors = (
        matrix[np.ix_(place.ravel(), place.ravel())] for matrix in (differences, errors)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = np.abs(differences) / errors
    exceeding = resamples - np.searchsorted(maxima, statistics * (1 - _ROUNDING), side="left")
    p = (1 + exceeding) / (1 + resamples)
    # Where the difference is the same for all units, take the sign test, Bonferroni-corrected.
    equal = errors == 0
    p[equal] = np.where(
        np.abs(differences[equal]) <= _ROUNDING, 1.0, min(1.0, rows * (rows - 1) * 2.0**-n)
    )
    half = maxima[min(resamples, int(np.ceil((1 - ALPHA) * (resamples + 1)))) - 1] * errors
    return Comparison(
        n=n,
        means=table.mean(axis=1),
        differences=differences,
        p=p,
        low=differences - half,
        high=differences + half,
        smallest=float(np.median(half[~equal])) if (~equal).any() else float("nan"),
    )


def _mean_differences(
    table: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean difference of all pairs of rows, and its standard error, [R, R] each."""
    rows, n = table.shape
    sums, squares = np.zeros((rows, rows)), np.zeros((rows, rows))
    for row, (own_sums, own_squares) in enumerate(_sums_of_pairs(table, np.ones((n, 1)))):
        sums[row, row + 1 :], squares[row, row + 1 :] = own_sums[:, 0], own_squares[:, 0]
    squares[squares == np.inf] = 0.0
    return (sums - sums.T) / n, np.sqrt((squares + squares.T) / max(1, n - 1)) / n


def _bootstrap_maxima(
    table: NDArray[np.float64], differences: NDArray[np.float64], counts: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return the largest studentised mean of all pairs in each resample, in ascending order.

    Args:
        table: One number per row and unit [R, N].
        differences: Mean difference of all pairs [R, R]; the means are taken from them.
        counts: How often each resample holds each unit [N, B].
    """
    n, resamples = counts.shape
    maxima = np.zeros(resamples)
    for row, (sums, squares) in enumerate(_sums_of_pairs(table, counts)):
        sums -= n * differences[row, row + 1 :, None]
        sums *= sums
        sums /= squares
        np.maximum(maxima, sums.max(axis=0, initial=0.0), out=maxima)
    return np.sqrt(np.sort(maxima) * max(1, n - 1))


def _sums_of_pairs(
    table: NDArray[np.float64], counts: NDArray[np.number]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield, for each row i, sums over its differences from the later rows in each resample.

    Args:
        table: One number per row and unit [R, N].
        counts: How often each resample holds each unit [N, B].

    Yields:
        The sum of the differences, which is N times their mean, and N^2 times their variance,
        infinite where they do not vary, [R - i - 1, B] each.
    """
    n, resamples = table.shape[1], (counts.astype(np.float64), counts.astype(np.float32))
    coarse, fine = _exact_sums(table, np.abs(table).max(), resamples)
    for row in range(len(table)):
        differences = table[row] - table[row + 1 :]
        largest = np.abs(differences).max(axis=1, keepdims=True)
        sums = coarse[row] - coarse[row + 1 :]
        sums += fine[row] - fine[row + 1 :]
        squares, rest = _exact_sums(differences**2, largest**2, resamples)
        squares += rest
        squares *= n
        squares -= sums**2
        squares[squares <= _NO_VARIANCE * (n * largest) ** 2] = np.inf
        yield sums, squares


def _exact_sums(
    values: NDArray[np.float64],
    largest: ArrayLike,
    counts: tuple[NDArray[np.float64], NDArray[np.float32]],
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the sums of values in each resample, as a main part and the digits after it.

    BLAS adds in an order that depends on the processor and the number of threads. Both parts of a
    value are therefore rounded such that any sum of N of them is exact.

    Args:
        values: [R, N].
        largest: The largest magnitude, of all values or of each row [R, 1].
        counts: How often each resample holds each unit [N, B], in both types.

    Returns:
        Two arrays [R, B].
    """
    bits = (values.shape[1] - 1).bit_length()  # of a sum of N values, beyond those of the largest
    step = np.ldexp(1.0, np.frexp(largest)[1] + bits - 53)
    coarse = np.rint(values / step) * step
    step *= 2.0 ** (bits - 25)
    fine = np.rint((values - coarse) / step) * step
    return coarse @ counts[0], fine.astype(np.float32) @ counts[1]


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Correct p-values for their number (S. Holm, 1979).

    Args:
        p: One p-value per test [P].
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1, np.maximum.accumulate(scaled)) if len(values) else scaled
    return corrected


def compact_letters(differ: ArrayLike) -> list[str]:
    """Return letters such that two methods share one if and only if they do not differ.

    Insert and absorb (H.-P. Piepho, 2004, section 2): start with one group of all; for each pair
    that differs, split every group that holds both; drop groups inside others.

    Args:
        differ: Whether two methods differ, symmetric [R, R], in the order of their means.

    Returns:
        For each method its letters in order: a, b, ..., z, aa, ab, ...
    """
    table = np.asarray(differ, dtype=bool)
    groups = [(1 << len(table)) - 1]  # bit i for method i
    for first, second in np.argwhere(np.triu(table, 1)).tolist():
        both = 1 << first | 1 << second
        whole = [group for group in groups if group & both != both]
        parts = [
            group & ~(1 << one)
            for group in groups
            if group & both == both
            for one in (first, second)
        ]
        groups = whole + [
            part
            for place, part in enumerate(parts)
            if not any(part & other == part for other in (*whole, *parts[:place]))
            and not any(part & other == part != other for other in parts[place + 1 :])
        ]
    members = sorted([row for row in range(len(table)) if group >> row & 1] for group in groups)
    letters = [""] * len(table)
    for number, group in enumerate(members):
        for row in group:
            letters[row] += _letter(number)
    return letters


def _letter(number: int) -> str:
    prefix, place = divmod(number, 26)
    return ("" if not prefix else _letter(prefix - 1)) + chr(ord("a") + place)
