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
    from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05
"""Chance of calling any two equal methods different in one column."""

RESAMPLES = 4000

_BLOCK = 2_000
"""Pairs whose resamples are held at once: 64 MB a table for 4,000 resamples."""

_ROUNDING = 1e-9


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
    first, second = np.triu_indices(rows, 1)
    differences = (table[first] - table[second]).T  # [N, P]
    observed, errors = _means_and_errors(np.ones((1, n)), differences)
    centred = differences - observed
    counts = resample_counts(n, resamples, seed).astype(np.float64)
    maxima = np.zeros(resamples)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.abs(observed[0]) / errors[0]
        for start in range(0, len(first), _BLOCK):
            drawn, drawn_errors = _means_and_errors(counts, centred[:, start : start + _BLOCK])
            # Ignore resamples in which the difference of a pair does not vary.
            statistics = np.nan_to_num(np.abs(drawn) / drawn_errors, posinf=0.0)
            np.maximum(maxima, statistics.max(axis=1, initial=0.0), out=maxima)
    maxima.sort()
    exceeding = resamples - np.searchsorted(maxima, statistic * (1 - _ROUNDING), side="left")
    p = (1 + exceeding) / (1 + resamples)
    # Where the difference is the same for all units, take the sign test, Bonferroni-corrected.
    equal = errors[0] == 0
    p[equal] = np.where(
        np.abs(observed[0][equal]) <= _ROUNDING, 1.0, min(1.0, len(first) * 2.0 ** (1 - n))
    )
    place = min(resamples, int(np.ceil((1 - ALPHA) * (resamples + 1))))
    critical = maxima[place - 1]
    half = critical * errors[0]
    return Comparison(
        n=n,
        means=table.mean(axis=1),
        differences=_square(rows, observed[0], -observed[0]),
        p=_square(rows, p, p, diagonal=1.0),
        low=_square(rows, observed[0] - half, -observed[0] - half),
        high=_square(rows, observed[0] + half, -observed[0] + half),
        smallest=float(np.median(half[~equal])) if (~equal).any() else float("nan"),
    )


def _square(
    rows: int, upper: NDArray[np.float64], lower: NDArray[np.float64], *, diagonal: float = 0.0
) -> NDArray[np.float64]:
    """Return a matrix [R, R] from the values of pairs (i, j) and (j, i), i < j."""
    matrix = np.full((rows, rows), diagonal)
    first, second = np.triu_indices(rows, 1)
    matrix[first, second] = upper
    matrix[second, first] = lower
    return matrix


def _means_and_errors(
    counts: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the means of resamples [B, P] and their standard errors.

    Args:
        counts: How often each unit is drawn [B, N].
        values: [N, P].
    """
    n = len(values)
    # Use einsum, not BLAS: its sums are the same for any number of threads.
    means = np.einsum("bn,np->bp", counts, values) / max(1, n)
    squares = np.einsum("bn,np->bp", counts, values**2) / max(1, n) - means**2
    variances = np.maximum(squares, 0.0) / max(1, n - 1)
    tiny = (_ROUNDING * np.abs(values).max(axis=0, initial=0.0)) ** 2
    variances[variances <= tiny] = 0.0
    return means, np.sqrt(variances)


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
    groups = [frozenset(range(len(table)))]
    for first, second in np.argwhere(np.triu(table, 1)):
        split = [
            part
            for group in groups
            for part in (
                (group - {first}, group - {second}) if {first, second} <= group else (group,)
            )
        ]
        distinct = list(dict.fromkeys(split))
        groups = [group for group in distinct if not any(group < other for other in distinct)]
    groups.sort(key=sorted)
    return [
        "".join(_letter(number) for number, group in enumerate(groups) if row in group)
        for row in range(len(table))
    ]


def _letter(number: int) -> str:
    prefix, place = divmod(number, 26)
    return ("" if not prefix else _letter(prefix - 1)) + chr(ord("a") + place)
