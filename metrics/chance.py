"""Exact distributions under a uniformly random ordering of a concept set.

With m of C concepts true, the first true one has rank r with probability
comb(C - r, m - 1) / comb(C, m).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import binom

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RANKS_AT_ONCE = 512


@dataclass(frozen=True)
class RankDistribution:
    """Distribution of the rank of the first true concept.

    Attributes:
        mean: Expected rank, (C + 1) / (m + 1); NaN where no concept is true.
        mean_reciprocal: Expected 1 / rank; NaN where no concept is true.
        cumulative: Probability of a rank of at most r = 1..C, float64 [C]; 0 where none is true.
    """

    mean: float
    mean_reciprocal: float
    cumulative: NDArray[np.float64]

    def within(self, k: int) -> float:
        """Return the probability that a true concept is among the first k."""
        return float(self.cumulative[min(k, len(self.cumulative)) - 1])


@lru_cache(maxsize=64)
def first_true(size: int, n_true: int) -> RankDistribution:
    """Return the distribution for a set of `size` concepts of which `n_true` are true.

    Args:
        size: C, at least 1.
        n_true: m, from 0 to C.
    """
    if n_true == 0:
        return RankDistribution(float("nan"), float("nan"), np.zeros(size))
    ranks = np.arange(1, size + 1, dtype=np.float64)
    # p(1) = m / C; p(r + 1) / p(r) = (C - r - m + 1) / (C - r), which ends at 0.
    ratios = np.maximum(size - ranks[:-1] - n_true + 1, 0) / (size - ranks[:-1])
    law = np.cumprod(np.concatenate([[n_true / size], ratios]))
    cumulative = np.minimum(np.cumsum(law), 1.0)
    return RankDistribution((size + 1) / (n_true + 1), float(np.sum(law / ranks)), cumulative)


def expected_median(size: int, counts: NDArray[np.int64]) -> float:
    """Return the expected upper median over units of the rank of the first true concept.

    The upper median of n ranks exceeds r exactly if at most n // 2 of them are at most r. That
    number is a sum of one binomial for each different m.

    Args:
        size: C, the number of concepts.
        counts: m of each unit [n], all at least 1.
    """
    kinds, units = np.unique(counts, return_counts=True)
    return _expected_median(size, tuple(kinds.tolist()), tuple(units.tolist()))


@lru_cache(maxsize=256)
def _expected_median(size: int, kinds: tuple[int, ...], units: tuple[int, ...]) -> float:
    """Return the expected median for units by their number of true concepts."""
    half = sum(units) // 2
    laws = np.stack([first_true(size, kind).cumulative for kind in kinds])
    if len(kinds) == 1:
        return 1.0 + float(binom.cdf(half, units[0], laws[0])[:-1].sum())
    above = 0.0
    for start in range(0, size - 1, _RANKS_AT_ONCE):
        shares = laws[:, start : min(start + _RANKS_AT_ONCE, size - 1), None]
        mass = np.ones((shares.shape[1], 1))
        for n, share in zip(units, shares, strict=True):
            mass = fftconvolve(mass, binom.pmf(np.arange(n + 1), n, share), axes=1)
        above += float(mass[:, : half + 1].sum())
    return 1.0 + above
