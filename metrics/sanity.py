"""Sanity checks of metrics: does a score fall when half of the labels are missing or wrong?

Oikarinen, Yan & Weng, "Evaluating Neuron Explanations: A Unified Framework with Sanity Checks",
ICML 2025, section 4, in theory: an ideal unit is active on exactly the images with its concept.

- missing labels: each image with the concept loses its label with probability 1/2;
- extra labels: each image without it gets the label with the probability that doubles their number.

A metric that says whether a label is right must fall in both tests, for rare concepts too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.faithfulness import AGREEMENTS, COMBINATIONS, LEAST_PRESENCE
from metrics.observations import Observations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHARES = (0.499, 0.1, 0.01, 0.001, 0.0001)
"""Shares of the images that show the concept."""
IMAGES = 500_000
DRAWS = 1_000
LEAST_IMAGES = 20
"""Images with the concept, so that no draw loses all of their labels."""
LEAST_FALL = 0.001
"""A fall counts if it is larger than this share of the metric's range."""
LEAST_SHARE = 0.9
"""A metric passes a test if its score falls in this share of the draws for every concept."""
TESTS = ("missing", "extra")


def run_checks(
    names: Sequence[str],
    *,
    shares: Sequence[float] = SHARES,
    images: int = IMAGES,
    draws: int = DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Test metrics on ideal units.

    The images of an ideal unit are of four kinds at most, so that a draw is their numbers.

    Args:
        names: Of `metrics.faithfulness.AGREEMENTS`.
        shares: Shares of the images that show the concept, each below 0.5.
        images: Number of images.
        draws: Number of draws of labels, in each test.
        seed: Seed of the draws.

    Returns:
        One row for each metric, share and test: metric, share, test, change (the mean difference
        of scores as a share of the metric's range), expected (the same in closed form; NaN if there
        is none), falls (the share of draws in which the score falls).

    Raises:
        ValueError: Too few images show a concept, or not fewer than do not.
    """
    for share in shares:
        if not LEAST_IMAGES <= round(share * images) < images / 2:
            raise ValueError(
                f"{round(share * images)} of {images} images would show the concept; it must be at "
                f"least {LEAST_IMAGES} and fewer than half"
            )
    rng = np.random.default_rng(seed)
    ranges = _observed_ranges(names, shares, images, rng)
    rows = []
    for share in shares:
        n = round(share * images)
        clean = _scores(names, _ideal(n, 0, 0, images, seed))
        for test in TESTS:
            changes = np.empty((draws, len(names)))
            for draw in range(draws):
                kept = rng.binomial(n, 0.5) if test == "missing" else n
                extra = rng.binomial(images - n, n / (images - n)) if test == "extra" else 0
                observed = _ideal(kept, n - kept, extra, images, seed + draw)
                changes[draw] = (_scores(names, observed) - clean) / ranges
            for name, column, size in zip(names, changes.T, ranges, strict=True):
                rows.append((name, share, test, column.mean(), expected_change(name, test, share)
                             / size, (column < -LEAST_FALL).mean()))  # fmt: skip
    return pd.DataFrame(rows, columns=["metric", "share", "test", "change", "expected", "falls"])


def summarise(checks: pd.DataFrame) -> pd.DataFrame:
    """Return how often each metric falls in each test, and whether it passes both.

    Args:
        checks: The table of `run_checks`.

    Returns:
        Indexed by metric, in order: missing, extra (shares of draws, averaged over shares of
        images), deviation (the largest difference of a change and its closed form), passes.
    """
    tests = checks.groupby(["metric", "test"], sort=False)["falls"]
    falls, least = tests.mean().unstack(), tests.min().unstack()
    deviation = (checks["change"] - checks["expected"]).abs().groupby(checks["metric"]).max()
    passes = (least >= LEAST_SHARE).all(axis=1)
    return falls[list(TESTS)].assign(deviation=deviation, passes=passes)


def _ideal(kept: int, lost: int, extra: int, images: int, seed: int = 0) -> Observations:
    """Return an ideal unit whose concept has lost labels and has extra ones."""
    counts = np.array([kept, lost, extra, images - kept - lost - extra])
    used = counts > 0
    unit, concept = np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0])
    return Observations(unit[used], concept[used], alpha=None, counts=counts[used], seed=seed)


def _scores(names: Sequence[str], observed: Observations) -> np.ndarray:
    return np.array([AGREEMENTS[name].compute(observed)[0, 0] for name in names])


def _observed_ranges(
    names: Sequence[str], shares: Sequence[float], images: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the range of each metric.

    That of a metric without limits is over all pairs of nested ideal units and of concepts with
    true, missing and extra labels, in one draw.
    """
    unlimited = [name for name in names if AGREEMENTS[name].limits is None]
    found: dict[str, float] = {}
    if unlimited:
        units = np.arange(images)[:, None] < np.round(np.array(shares) * images)
        kept = units & (rng.random(units.shape) < 0.5)
        odds = units.mean(axis=0) / (1 - units.mean(axis=0))
        extra = units | (rng.random(units.shape) < odds)
        observed = [Observations(units, c, alpha=None) for c in (units, kept, extra)]
        for name in unlimited:
            scores = [AGREEMENTS[name].compute(o) for o in observed]
            found[name] = float(np.nanmax(scores) - np.nanmin(scores))
    limits = {name: AGREEMENTS[name].limits for name in names}
    return np.array([found[n] if (pair := limits[n]) is None else pair[1] - pair[0] for n in names])


# ---- closed forms, in the limit of many images


def expected_change(name: str, test: str, share: float) -> float:
    """Return the expected change of an ideal unit's score, not divided by the metric's range.

    Args:
        name: The metric.
        test: "missing" or "extra".
        share: Share g of the images that show the concept.

    Returns:
        The change; NaN for top-and-random samples, which have no closed form.
    """
    if name in COMBINATIONS:
        x, y = (1 + expected_change(part, test, share) for part in COMBINATIONS[name])
        return 2 * x * y / (x + y) - 1
    if name not in EXPECTED:
        return float("nan")
    return EXPECTED[name][TESTS.index(test)](share)


_BALANCED = (lambda g: -1 / 4, lambda g: -g / (2 * (1 - g)))
_INVERSE = (lambda g: -g / (4 - 2 * g), lambda g: -1 / 4)
_CORRELATION = (
    lambda g: sqrt((1 - g) / (2 - g)) - 1,
    lambda g: sqrt((1 - 2 * g) / (2 - 2 * g)) - 1,
)
EXPECTED: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "recall": (lambda g: -1 / 2, lambda g: 0.0),
    "precision": (lambda g: 0.0, lambda g: -1 / 2),
    "f1": (lambda g: -1 / 3, lambda g: -1 / 3),
    "iou": (lambda g: -1 / 2, lambda g: -1 / 2),
    "accuracy": (lambda g: -g / 2, lambda g: -g),
    "balanced_accuracy": _BALANCED,
    "inverse_balanced_accuracy": _INVERSE,
    "auc": _BALANCED,
    "inverse_auc": _INVERSE,
    "correlation": _CORRELATION,
    "spearman": _CORRELATION,
    "cosine": (lambda g: 1 / sqrt(2) - 1, lambda g: 1 / sqrt(2) - 1),
    "wpmi": (lambda g: log(LEAST_PRESENCE) / 2 + log(2), lambda g: -log(2)),
    "mad": (lambda g: -g / (2 - g), lambda g: -1 / 2),
    "auprc": (lambda g: -(1 - g) / 2, lambda g: -1 / 2),
    "inverse_auprc": (lambda g: -1 / 2, lambda g: -(1 / 2 - g)),
}
"""Changes by missing and by extra labels; those of two values that are 0 or 1 are closed forms."""

# ---- published figures


@dataclass(frozen=True)
class Published:
    """Percentages of draws or units in which a metric falls, as the paper prints them (Table 2).

    Attributes:
        missing: Missing labels, in theory.
        extra: Extra labels, in theory.
        networks_missing: Missing labels, units of networks; None if the paper prints none.
        networks_extra: Extra labels, units of networks.
    """

    missing: float
    extra: float
    networks_missing: float | None = None
    networks_extra: float | None = None


PUBLISHED = {
    "recall": Published(100, 0, 98.66, 0),
    "precision": Published(0, 100, 45.73, 99.81),
    "f1": Published(100, 100, 93.68, 99.82),
    "iou": Published(100, 100, 93.62, 99.81),
    "accuracy": Published(60, 69.68, 23.79, 70.37),
    "balanced_accuracy": Published(100, 60, 98.65, 53.67),
    "inverse_balanced_accuracy": Published(60, 100, 64.18, 99.50),
    "auc": Published(100, 60, 94.96, 59.18),
    "inverse_auc": Published(60, 100, 52.81, 99.99),
    "correlation": Published(100, 100, 99.41, 99.92),
    "correlation_top_and_random": Published(100, 43.64, 87.83, 60.26),
    "spearman": Published(67.20, 44.08, 64.05, 49.21),
    "spearman_top_and_random": Published(100, 19.68, 80.04, 59.81),
    "cosine": Published(100, 100, 99.45, 99.26),
    "wpmi": Published(100, 100, 95.89, 58.84),
    "mad": Published(60, 100, 59.81, 99.34),
    "auprc": Published(100, 100, 95.61, 99.46),
    "inverse_auprc": Published(100, 89.54, 99.15, 95.58),
    "combined_auc": Published(100, 100),
    "combined_balanced_accuracy": Published(100, 100),
    "recall_auc": Published(100, 60),
    "recall_inverse_auc": Published(100, 100),
    "precision_balanced": Published(100, 100),
    "precision_inverse_balanced": Published(60, 100),
}
"""Those of combinations are from the output that the authors' repository keeps."""
