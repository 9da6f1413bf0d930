"""Intervals over units. All intervals are 95 %.

Values are sorted before they are resampled, so an interval does not depend on the order of units.
"""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from metrics.numeric import midranks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
RESAMPLES = 4000
_Z = float(ndtri(0.5 + LEVEL / 2))

Interval = tuple[float | None, float | None]
NO_INTERVAL: Interval = (None, None)


def wilson(successes: float, n: int) -> Interval:
    """Return Wilson's score interval for a proportion (E. B. Wilson, 1927).

    Args:
        successes: Number of successes among `n`.
        n: Number of trials; no interval for 0.
    """
    if n == 0:
        return NO_INTERVAL
    share = successes / n
    centre = share + _Z**2 / (2 * n)
    half = _Z * sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    low, high = ((centre + sign * half) / (1 + _Z**2 / n) for sign in (-1, 1))
    # At 0 and n the formula is exact, but its rounding error would show.
    return (0.0 if successes == 0 else max(0.0, low), 1.0 if successes == n else min(1.0, high))


@lru_cache(maxsize=2)
def resample_counts(n: int, resamples: int, seed: int) -> NDArray[np.int16]:
    """Return how often each of n values is drawn in each resample, int16 [resamples, n]."""
    drawn = np.random.default_rng(seed).integers(0, n, size=(resamples, n))
    drawn += np.arange(resamples)[:, None] * n
    counts = np.bincount(drawn.ravel(), minlength=resamples * n)
    return counts.astype(np.int16).reshape(resamples, n)


def bca_mean(
    values: ArrayLike,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    limits: tuple[float, float] | None = None,
) -> Interval:
    """Return the bias-corrected and accelerated bootstrap interval of a mean (B. Efron, 1987).

    Resampling equal values would give an interval without width. Wilson's upper bound on the
    fraction of units that could differ is z^2 / (n + z^2); with limits, the interval of equal
    values is how far this fraction can move the mean.

    Args:
        values: One number per unit [n].
        seed: Seed of the resampling.
        resamples: Number of bootstrap resamples.
        limits: The least and the greatest possible value of a unit; None if unbounded.

    Returns:
        The interval; none for fewer than two values, whose spread is unknown.
    """
    sample = np.sort(np.asarray(values, dtype=np.float64))
    return _bca_mean(sample.tobytes(), seed, resamples, limits)


@lru_cache(maxsize=256)
def _bca_mean(
    values: bytes, seed: int, resamples: int, limits: tuple[float, float] | None
) -> Interval:
    """Return the interval of sorted float64 values; controls of many records share theirs."""
    sample = np.frombuffer(values)
    n = sample.size
    if n < 2:
        return NO_INTERVAL
    if sample[0] == sample[-1]:
        value = float(sample[0])
        least, greatest = limits or (value, value)
        differ = _Z**2 / (n + _Z**2)
        return value - differ * (value - least), value + differ * (greatest - value)
    mean = float(sample.mean())
    # Centre, so that ties with the mean survive rounding; scale, so that cubes do not overflow.
    scale = float(np.abs(sample - mean).max())
    shifted = (sample - mean) / scale
    # Use einsum, not BLAS: its sums are the same for any number of threads.
    means = np.einsum("bn,n->b", resample_counts(n, resamples, seed), shifted) / n
    tied = np.abs(means) <= 1e-12
    below = (np.sum((means < 0) & ~tied) + 0.5 * np.sum(tied)) / resamples
    bias = float(ndtri(np.clip(below, 0.5 / resamples, 1 - 0.5 / resamples)))
    # Leaving out value i moves the mean by -shifted_i / (n - 1); the factor cancels.
    acceleration = float(np.sum(shifted**3) / (6 * np.sum(shifted**2) ** 1.5))
    edges = bias + np.array([-_Z, _Z])
    levels = ndtr(bias + edges / (1 - acceleration * edges))
    # No resample leaves the range of the values, but scaling back rounds.
    ends = np.quantile(means, levels) * scale + mean
    low, high = np.clip(ends, sample[0], sample[-1])
    return float(low), float(high)


def bootstrap_interval(
    rows: NDArray[np.integer],
    statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the percentile bootstrap interval of a statistic of sums over units (B. Efron, 1979).

    Args:
        rows: What each unit adds to the sums [n, K]; they are sorted first.
        statistic: From sums [B, K] to values [B].
        seed: Seed of the resampling.
        resamples: B.

    Returns:
        The interval; none for fewer than two units.
    """
    n = len(rows)
    if n < 2:
        return NO_INTERVAL
    ordered = rows[np.lexsort(rows.T[::-1])].astype(np.int64)
    counts = resample_counts(n, resamples, seed).astype(np.int64)
    values = statistic(np.einsum("bn,nk->bk", counts, ordered))
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def median_interval(values: ArrayLike) -> Interval:
    """Return the interval of a median between two order statistics, by the binomial distribution.

    It is symmetric in rank and covers at least 95 % for any distribution, with or without ties
    (H. A. David and H. N. Nagaraja, Order Statistics, 2003, section 7.1).

    Args:
        values: One number per unit [n].

    Returns:
        The interval; none for fewer than six values, where even [min, max] covers less than 95 %.
    """
    sample = np.sort(np.asarray(values, dtype=np.float64))
    n = sample.size
    # The smallest k with P(Binomial(n, 1/2) <= k) >= 2.5 %, so that the k-th smallest and the k-th
    # largest each leave out less than that.
    depth = int(binom.ppf((1 - LEVEL) / 2, n, 0.5)) if n else 0
    if depth < 1:
        return NO_INTERVAL
    return float(sample[depth - 1]), float(sample[n - depth])


def auroc_interval(scores: ArrayLike, labels: ArrayLike) -> Interval:
    """Return the interval of an AUROC by DeLong's variance on the logit scale.

    Where this variance is 0 (perfect separation), the bound solves the score equation with Hanley
    and McNeil's variance instead, so that it is wide for few units.

    Args:
        scores: Finite scores [n].
        labels: Booleans [n].

    Returns:
        The interval; none where a class has fewer than two members.
    """
    marks = np.asarray(labels, dtype=bool)
    numbers = np.asarray(scores, dtype=np.float64)
    positive, negative = np.sort(numbers[marks]), np.sort(numbers[~marks])
    n1, n0 = positive.size, negative.size
    if min(n1, n0) < 2:
        return NO_INTERVAL
    ranks = midranks(np.concatenate([positive, negative]))
    # Placement values: the share of the other class that each member beats, ties half.
    above = (ranks[:n1] - midranks(positive)) / n0
    beaten = 1 - (ranks[n1:] - midranks(negative)) / n1
    area = float(above.mean())
    variance = float(above.var(ddof=1) / n1 + beaten.var(ddof=1) / n0)
    if 0 < area < 1 and variance > 0:
        half = _Z * sqrt(variance) / (area * (1 - area))
        odds = np.log(area / (1 - area)) + np.array([-half, half])
        low, high = 1 / (1 + np.exp(-odds))
        return float(low), float(high)
    return _hanley_mcneil(area, n1, n0)


def _hanley_mcneil(area: float, n1: int, n0: int) -> Interval:
    """Return the areas at z standard errors from `area` (J. A. Hanley and B. J. McNeil, 1982)."""

    def excess(theta: float) -> float:
        q1, q2 = theta / (2 - theta), 2 * theta**2 / (1 + theta)
        variance = theta * (1 - theta) + (n1 - 1) * (q1 - theta**2) + (n0 - 1) * (q2 - theta**2)
        return (area - theta) ** 2 - _Z**2 * variance / (n1 * n0)

    nudge = 1e-9
    low = 0.0 if area <= nudge else float(brentq(excess, 0.0, area - nudge))
    high = 1.0 if area >= 1 - nudge else float(brentq(excess, area + nudge, 1.0))
    return low, high
