"""`python -m tests.simulations.verdicts`: error rates and power of comparisons of all pairs.

Methods name the same units, so that their values are correlated: a unit's difficulty is shared.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri
from tqdm import tqdm

from metrics.paired import ALPHA, Comparison, compare_pairs, holm
from metrics.statistics import bca_mean, wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Draw = Callable[[np.random.Generator, int, NDArray[np.float64]], NDArray[np.float64]]

CORRELATION = 0.7
"""Between two methods' latent values of a unit."""


def latent(rng: np.random.Generator, n: int, shifts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw correlated normal values [R, N], shifted by method."""
    shared = rng.normal(size=n) * np.sqrt(CORRELATION)
    own = rng.normal(size=(len(shifts), n)) * np.sqrt(1 - CORRELATION)
    values: NDArray[np.float64] = shared + own + shifts[:, None]
    return values


def right_or_wrong(share: float) -> Draw:
    """Return a law of decisions with this share of right ones where the shift is 0."""

    def draw(rng: np.random.Generator, n: int, shifts: NDArray[np.float64]) -> NDArray[np.float64]:
        return (latent(rng, n, shifts) > -ndtri(share)).astype(float)

    return draw


def heavy(rng: np.random.Generator, n: int, shifts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw skewed values with heavy tails: exponentials of 1.5 times the latent ones."""
    return np.exp(1.5 * latent(rng, n, np.zeros(len(shifts)))) + shifts[:, None]


LAWS: dict[str, Draw] = {
    "right/wrong, p = .5": right_or_wrong(0.5),
    "right/wrong, p = .9": right_or_wrong(0.9),
    "means, normal": latent,
    "means, heavy tails": heavy,
}


def by_overlap(values: NDArray[np.float64]) -> set[tuple[int, int]]:
    """Return the pairs whose single 95 % intervals do not overlap."""
    binary = np.isin(values, (0.0, 1.0)).all()
    ends = [
        wilson(row.sum(), len(row)) if binary else bca_mean(row, seed=0, resamples=1000)
        for row in values
    ]
    return {
        (i, j)
        for i, j in itertools.combinations(range(len(values)), 2)
        if ends[i][1] < ends[j][0] or ends[j][1] < ends[i][0]  # type: ignore[operator]
    }


def unpaired(values: NDArray[np.float64]) -> set[tuple[int, int]]:
    """Return the pairs that differ by Welch's test with Holm's correction."""
    from scipy.stats import ttest_ind

    pairs = np.array(list(itertools.combinations(range(len(values)), 2)))
    first, second = values[pairs.T]
    with np.errstate(all="ignore"):
        found = ttest_ind(first, second, axis=1, equal_var=False).pvalue
    corrected = holm(np.nan_to_num(found, nan=1.0))
    return {(i, j) for (i, j), p in zip(pairs.tolist(), corrected, strict=True) if p <= ALPHA}


def paired(values: NDArray[np.float64]) -> set[tuple[int, int]]:
    """Return the pairs that our comparison calls different."""
    found: Comparison = compare_pairs(values, resamples=1000)
    return {
        (i, j) for i, j in itertools.combinations(range(len(values)), 2) if found.p[i, j] <= ALPHA
    }


RULES = {"paired, all pairs": paired, "unpaired, Holm": unpaired, "overlap": by_overlap}


def error_rates(
    runs: int, laws: Mapping[str, Draw] = LAWS, counts: Sequence[int] = (6, 12)
) -> Iterator[tuple[str, int, int, list[float]]]:
    """Yield law, methods, units, and by rule the share of runs with any pair called different."""
    cases = list(itertools.product(laws.items(), counts, (25, 87, 200, 365)))
    for (name, law), rows, n in tqdm(cases, desc="equal methods", disable=None):
        rng = np.random.default_rng([rows, n])
        tables = [law(rng, n, np.zeros(rows)) for _ in range(runs)]
        yield (
            name,
            rows,
            n,
            [float(np.mean([bool(rule(t)) for t in tables])) for rule in RULES.values()],
        )


def powers(
    runs: int, laws: Mapping[str, Draw] = LAWS
) -> Iterator[tuple[str, int, int, list[float]]]:
    """Yield the same for six methods that differ: the share of true pairs that are found."""
    cases = list(itertools.product(laws.items(), (25, 87, 200, 365, 1000)))
    for (name, law), n in tqdm(cases, desc="different methods", disable=None):
        rng = np.random.default_rng(n)
        tables = [law(rng, n, np.linspace(0, 0.75, 6)) for _ in range(runs)]
        yield (
            name,
            6,
            n,
            [float(np.mean([len(rule(t)) for t in tables])) / 15 for rule in RULES.values()],
        )


def main() -> int:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulations.verdicts")
    parser.add_argument("--runs", type=int, default=2000, help="columns of equal methods a case")
    parser.add_argument("--power-runs", type=int, default=200, help="columns of different methods")
    parser.add_argument("--law", choices=LAWS, help="one law alone")
    parser.add_argument("--methods", type=int, help="one number of equal methods alone")
    options = parser.parse_args()
    laws = {options.law: LAWS[options.law]} if options.law else LAWS
    counts = [options.methods] if options.methods else (6, 12)
    for title, rows in (
        (
            "Equal methods: share of columns with any false verdict",
            error_rates(options.runs, laws, counts),
        ),
        ("Different methods: share of pairs that are found", powers(options.power_runs, laws)),
    ):
        sys.stdout.write(f"\n{title}\n\n| law | methods | units | {' | '.join(RULES)} |\n")
        sys.stdout.write("| :-- " + "| --: " * (2 + len(RULES)) + "|\n")
        for name, count, n, shares in rows:
            cells = " | ".join(f"{share:.3f}" for share in shares)
            sys.stdout.write(f"| {name} | {count} | {n} | {cells} |\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
