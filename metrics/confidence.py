"""How well the scores that a method gives its labels tell right labels from wrong ones.

Label the best-scored share of the units only (the *coverage*): the share of wrong labels among them
is the *risk*. AURC is the mean risk over coverages 1/n, 2/n, ..., 1, and the excess AURC is AURC
less that of the best order, in which all right labels come first (Geifman, Uziel and El-Yaniv,
Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers, ICLR 2019). In a random order the
expected AURC is the share of wrong labels. Equal scores count as all of their orders, averaged.

Scores of methods are no probabilities. The Brier skill therefore calibrates them first, by isotonic
regression on other units, and says how much better the calibrated scores predict which labels are
right than the share of right labels does. It depends on the order of the scores only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

from metrics.statistics import LEVEL, NO_INTERVAL, Interval, resample_counts

Floats = NDArray[np.float64]

FIFTHS = 5
FOLDS = 5
LEAST_UNITS = 25
"""Fewest labels for shares by fifth: five for each."""
LEAST_OF_EACH = 10
"""Fewest right labels, and fewest wrong ones, for a Brier skill: two for each fold on average."""
RESAMPLES = 1000


@dataclass(frozen=True)
class Confidence:
    """Risk, AURC and calibration of n labels with scores.

    Attributes:
        n: Number of labels.
        right: Share of right ones; the expected AURC of a random order is 1 - `right`.
        risks: Risk at coverage 1/n, 2/n, ..., 1, float64 [n].
        aurc: Mean of `risks`.
        optimum: AURC of the best order.
        excess_interval: Interval of `excess` over units; none where there is nothing to tell apart
            or the scores separate right from wrong labels without an error.
        brier_skill: 1 - Brier score of calibrated scores / Brier score of the share of right
            labels; None for fewer than `LEAST_OF_EACH` right or wrong labels.
        brier_interval: Its interval over units, with the calibration taken as given.
        fifths: Share of right labels in each fifth of the units, the best-scored first; empty for
            fewer than `LEAST_UNITS` labels.
    """

    n: int
    right: float
    risks: Floats
    aurc: float
    optimum: float
    excess_interval: Interval
    brier_skill: float | None
    brier_interval: Interval
    fifths: tuple[float, ...]

    @property
    def excess(self) -> float:
        """AURC less the optimum; 0 for the best order."""
        return self.aurc - self.optimum


def confidence(
    units: ArrayLike, scores: ArrayLike, right: ArrayLike, *, seed: int = 0
) -> Confidence:
    """Measure how well scores tell right labels from wrong ones.

    Args:
        units: Numbers of n >= 1 units, which decide the folds of the calibration.
        scores: Scores of their labels, finite [n]; the higher, the surer.
        right: Whether these are right, bool [n].
        seed: Seed of the bootstrap.
    """
    marks = np.asarray(right, dtype=bool)
    values = np.asarray(scores, dtype=np.float64)
    # By score, then wrong before right, so that nothing depends on the order of the units.
    order = np.lexsort([np.asarray(units), marks, -values])
    values, marks = values[order], marks[order]
    n = marks.size
    starts = np.flatnonzero(np.r_[True, np.diff(values) != 0])
    chances = _mean_by_group(marks.astype(np.float64), starts)
    risks = np.cumsum(1 - chances) / np.arange(1, n + 1)
    aurc, optimum = _areas(np.ones((1, n)), ~marks, starts)
    several = bool(marks.any() and not marks.all())
    excess_interval, skill, brier_interval = NO_INTERVAL, None, NO_INTERVAL
    if several and aurc[0] - optimum[0] > 1e-12:
        counts = resample_counts(n, RESAMPLES, seed).astype(np.float64)
        resampled, best = _areas(counts, ~marks, starts)
        excess_interval = _percentiles(resampled - best)
    if min(marks.sum(), n - marks.sum()) >= LEAST_OF_EACH:
        skill, brier_interval = _brier_skill(np.asarray(units)[order], values, marks, seed)
    parts = np.array_split(chances, FIFTHS) if n >= LEAST_UNITS else []
    return Confidence(
        n=n,
        right=float(marks.mean()),
        risks=risks,
        aurc=float(aurc[0]),
        optimum=float(optimum[0]),
        excess_interval=excess_interval,
        brier_skill=skill,
        brier_interval=brier_interval,
        fifths=tuple(float(part.mean()) for part in parts),
    )


def _mean_by_group(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """Replace each value by the mean of its group of equal scores."""
    sizes = np.diff(np.r_[starts, values.size])
    return np.repeat(np.add.reduceat(values, starts) / sizes, sizes)


def _areas(
    counts: Floats, wrong: NDArray[np.bool_], starts: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return AURC and its optimum for samples of the units.

    Let a group of m units with equal scores, e of them wrong, follow on K units with E wrong ones.
    Over all orders of the group the risks add up to the sum over j = 1..m of
    (E + j e / m) / (K + j) = e + (E - K e / m) (H(K + m) - H(K)), with harmonic numbers H. In the
    best order of n units with e wrong ones they add up to e - (n - e) (H(n) - H(n - e)).

    Args:
        counts: How often each sample holds each unit, best scores first [B, n].
        wrong: Whether the unit's label is wrong [n].
        starts: Where groups of equal scores begin [G].

    Returns:
        Two arrays [B].
    """
    n = counts.shape[1]
    harmonic = np.r_[0.0, np.cumsum(1 / np.arange(1, n + 1))]
    size = np.add.reduceat(counts, starts, axis=1)
    errors = np.add.reduceat(counts * wrong, starts, axis=1)
    before, last = _before(size).astype(np.int64), np.cumsum(size, axis=1).astype(np.int64)
    share = errors / np.maximum(size, 1)
    risks = errors + (_before(errors) - before * share) * (harmonic[last] - harmonic[before])
    total = errors.sum(axis=1)
    kept = (n - total).astype(np.int64)
    return risks.sum(axis=1) / n, (total - kept * (harmonic[n] - harmonic[kept])) / n


def _before(sizes: Floats) -> Floats:
    """Return the sum over the earlier groups, for each group."""
    return np.cumsum(sizes, axis=1) - sizes


def _brier_skill(
    units: NDArray[np.int64], scores: Floats, right: NDArray[np.bool_], seed: int
) -> tuple[float, Interval]:
    """Return the Brier skill of calibrated scores, and its interval over units."""
    folds = np.array([_fold(unit) for unit in units.tolist()])
    predicted, base = np.empty(right.size), np.empty(right.size)
    for fold in range(FOLDS):
        inside = folds == fold
        base[inside] = right[~inside].mean()
        predicted[inside] = calibrate(scores[~inside], right[~inside], scores[inside])
    losses = np.stack([(predicted - right) ** 2, (base - right) ** 2], axis=1)
    counts = resample_counts(right.size, RESAMPLES, seed).astype(np.float64)
    # einsum and not BLAS: the same sums for any number of threads.
    own, constant = np.einsum("bn,nk->kb", counts, losses)
    return float(1 - losses[:, 0].sum() / losses[:, 1].sum()), _percentiles(1 - own / constant)


def _fold(unit: int) -> int:
    """Return a unit's fold, the same for all methods and layers."""
    return hashlib.sha256(str(unit).encode()).digest()[0] % FOLDS


def calibrate(scores: Floats, right: NDArray[np.bool_], new_scores: Floats) -> Floats:
    """Return the probabilities, by isotonic regression, that labels with new scores are right.

    A score between two known ones gets the mean of their probabilities, so that the result depends
    on the order of all scores only.

    Args:
        scores: Known scores [m].
        right: Whether their labels are right [m].
        new_scores: Scores [n].
    """
    known, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    shares = np.bincount(group, weights=right) / sizes
    fitted = isotonic_regression(shares, weights=sizes).x
    last = known.size - 1
    at_or_below = np.searchsorted(known, new_scores, side="right") - 1
    at_or_above = np.searchsorted(known, new_scores, side="left")
    probabilities: Floats = (
        fitted[np.clip(at_or_below, 0, last)] + fitted[np.clip(at_or_above, 0, last)]
    ) / 2
    return probabilities


def _percentiles(values: Floats) -> Interval:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
