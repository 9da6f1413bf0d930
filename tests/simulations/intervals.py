"""`python -m tests.simulations.intervals`: coverage and width of the intervals of single scores.

A nominal 95 % interval is as good as the share of samples in which it holds the true value.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import binom
from tqdm import tqdm

from metrics.statistics import (
    RESAMPLES,
    auroc_interval,
    bca_mean,
    bootstrap_interval,
    median_interval,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from metrics.statistics import Interval

    Floats = NDArray[np.float64]

SIZES = (25, 87, 200, 365, 1000)
SHARES = (0.5, 0.8, 0.9, 0.95, 0.98)
SIGMA = 1.5
"""Of the logarithm of values with heavy tails, as in `tests.simulations.verdicts`."""


class Case(NamedTuple):
    """An interval of a statistic of one law.

    Attributes:
        interval: Name of the interval.
        law: Name of the law.
        truth: The true value of the statistic.
        draw: Return one sample of n units.
        estimate: Return the interval of a sample.
    """

    interval: str
    law: str
    truth: float
    draw: Callable[[np.random.Generator, int], Floats]
    estimate: Callable[[Floats], Interval]


class Coverage(NamedTuple):
    """How an interval did over many samples.

    Attributes:
        coverage: Share of the samples whose interval holds the true value, among those that have
            an interval.
        error: Its standard error.
        width: Mean width.
        width_error: Its standard error.
        missing: Share of the samples without an interval.
    """

    coverage: float
    error: float
    width: float
    width_error: float
    missing: float = 0.0


def exact_wilson(share: float, n: int) -> Coverage:
    """Return coverage and mean width of `wilson` by summing over all numbers of successes."""
    counts = np.arange(n + 1)
    weights = binom.pmf(counts, n, share)
    ends = np.array([wilson(int(count), n) for count in counts], dtype=np.float64)
    covers = (ends[:, 0] <= share) & (share <= ends[:, 1])
    return Coverage(float(weights @ covers), 0.0, float(weights @ (ends[:, 1] - ends[:, 0])), 0.0)


def simulate(case: Case, n: int, runs: int) -> Coverage:
    """Draw samples of n units and count the intervals that hold the true value."""
    rng = np.random.default_rng(n)
    found = [case.estimate(case.draw(rng, n)) for _ in range(runs)]
    ends = np.array([pair for pair in found if pair[0] is not None], dtype=np.float64)
    if not len(ends):
        return Coverage(*[float("nan")] * 4, missing=1.0)
    covers = (ends[:, 0] <= case.truth) & (case.truth <= ends[:, 1])
    widths = ends[:, 1] - ends[:, 0]
    return Coverage(
        float(covers.mean()),
        float(covers.std() / np.sqrt(len(ends))),
        float(widths.mean()),
        float(widths.std() / np.sqrt(len(ends))),
        1 - len(ends) / runs,
    )


def heavy(rng: np.random.Generator, n: int) -> Floats:
    """Draw log-normal values."""
    return np.exp(SIGMA * rng.normal(size=n))


def cosines(share: float) -> Callable[[np.random.Generator, int], Floats]:
    """Return a law like that of cosines: 1 for right labels, 0.3 with deviation 0.1 for others."""

    def draw(rng: np.random.Generator, n: int) -> Floats:
        return np.where(rng.random(n) < share, 1.0, rng.normal(0.3, 0.1, size=n))

    return draw


def scores_and_marks(area: float, right: float) -> Callable[[np.random.Generator, int], Floats]:
    """Return a law of normal scores [0] of right and wrong labels [1] with this AUROC."""
    shift = np.sqrt(2) * ndtri(area)

    def draw(rng: np.random.Generator, n: int) -> Floats:
        marks = rng.random(n) < right
        return np.stack([rng.normal(size=n) + shift * marks, marks])

    return draw


def sums(rng: np.random.Generator, n: int) -> Floats:
    """Draw counts like those of BLEU [n, 2]: words of a sentence, and how many are in references.

    Sentences differ in how many of their words match, by a beta law with mean 0.4.
    """
    words = 4 + rng.poisson(4, size=n)
    return np.stack([rng.binomial(words, rng.beta(1.2, 1.8, size=n)), words], axis=1)


def cases(resamples: int) -> Iterator[Case]:
    """Yield all cases that are simulated."""
    mean = partial(bca_mean, seed=0, resamples=resamples)
    normal = partial(np.random.Generator.normal, loc=0.0, scale=1.0)
    laws = {
        "normal": (0.0, 0.0, lambda rng, n: normal(rng, size=n)),
        "skewed (exponential)": (1.0, np.log(2), lambda rng, n: rng.exponential(size=n)),
        "heavy tails (log-normal)": (float(np.exp(SIGMA**2 / 2)), 1.0, heavy),
    }
    for law, (truth, _, draw) in laws.items():
        yield Case("BCa, mean", law, truth, draw, mean)
    for share in (0.5, 0.9):
        truth = share + (1 - share) * 0.3
        law = f"cosines, {share:.0%} of them 1"
        yield Case("BCa, mean", law, truth, cosines(share), partial(mean, limits=(-1, 1)))
    for law, (_, truth, draw) in laws.items():
        yield Case("order statistics, median", law, float(truth), draw, median_interval)
    for area, right in ((0.7, 0.5), (0.9, 0.5), (0.9, 0.9)):
        law = f"area {area}, {right:.0%} right"
        estimate = lambda pair: auroc_interval(pair[0], pair[1])  # noqa: E731
        yield Case("DeLong, AUROC", law, area, scores_and_marks(area, right), estimate)
    ratio = partial(
        bootstrap_interval,
        statistic=lambda totals: totals[:, 0] / totals[:, 1],
        seed=0,
        resamples=resamples,
    )
    yield Case("percentile, ratio of sums", "words that match", 0.4, sums, ratio)


def table(runs: int, resamples: int) -> Iterator[tuple[str, str, int, Coverage]]:
    """Yield interval, law, number of units and coverage of every case."""
    for share in SHARES:
        for n in SIZES:
            yield "Wilson, proportion (exact)", f"p = {share}", n, exact_wilson(share, n)
    every = [(case, n) for case in cases(resamples) for n in SIZES]
    for case, n in tqdm(every, desc="intervals", disable=None):
        yield case.interval, case.law, n, simulate(case, n, runs)


def main() -> int:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulations.intervals")
    parser.add_argument("--runs", type=int, default=1000, help="of each case")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="of a bootstrap")
    options = parser.parse_args()
    sys.stdout.write("| interval | law | units | coverage | ± | width | ± | no interval |\n")
    sys.stdout.write("| :-- | :-- | --: | --: | --: | --: | --: | --: |\n")
    for interval, law, n, found in table(options.runs, options.resamples):
        coverage, error, width, width_error, missing = found
        sys.stdout.write(
            f"| {interval} | {law} | {n} | {coverage:.3f} | {error:.3f} | {width:.3g} | "
            f"{width_error:.2g} | {missing:.3f} |\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
