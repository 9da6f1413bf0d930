"""Compare the metrics of faithfulness with a plain loop over pairs, on random inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import UserError
from bench.speed.benchmarks import run
from bench.speed.harness import alternate, costs
from bench.speed.plain import faithfulness as plain
from metrics.faithfulness import auprc, inverse_auprc
from metrics.faithfulness_scores import score_faithfulness
from metrics.observations import Observations

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

OPTIONS = {
    "images": 5_000,
    "units": 1_000,
    "concepts": 1_000,
    "plain_columns": {"default": 20, "help": "units, and concepts, for the plain loop"},
}
ALPHA = 0.01
KINDS = ("classes", "probabilities")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Compare average precisions by the time for a pair, and time the scores of a layer."""
    few = options.plain_columns
    if few > min(options.units, options.concepts):
        raise UserError(f"--plain-columns: {few} exceeds --units or --concepts")
    sizes = {name: getattr(options, name) for name in ("images", "units", "concepts")}
    rows = []
    for kind in KINDS:
        activations, presence = make_inputs(kind, **sizes)
        observed = Observations(activations, presence, ALPHA)
        part = Observations(activations[:, :few], presence[:, :few], ALPHA)
        sides = {
            auprc: (part.c, part.active),
            inverse_auprc: (part.a, part.present),
        }
        for metric, (scores, marks) in sides.items():
            works = {
                "ours": partial(metric, observed),
                "plain": partial(plain.average_precisions, scores, marks),
            }
            runs = alternate(works, repeats=options.repeats)
            found = runs["ours"].result[:few, :few]
            expected = runs["plain"].result
            if metric is inverse_auprc:
                expected = expected.T
            rows.append(
                {
                    "metric": f"{metric.__name__}, {kind}",
                    **costs(runs),
                    "difference": float(np.nanmax(np.abs(found - expected))),
                }
            )
        labels = np.arange(options.units) % options.concepts
        work = partial(score_faithfulness, observed, labels, options.concepts)
        layer = alternate({"ours": work}, repeats=options.repeats)
        no_loop = dict.fromkeys(("plain_s", "plain_cpu_s", "plain_bytes", "difference"))
        rows.append({"metric": f"all five, {kind}", **costs(layer), **no_loop})
    pairs, plain_pairs = options.units * options.concepts, few * few
    for row in rows:
        row |= {"pairs": pairs, "plain_pairs": plain_pairs}
        for cost in ("s", "cpu_s"):
            loop = row[f"plain_{cost}"]
            row[f"ratio_{cost}"] = loop and loop / plain_pairs / (row[f"ours_{cost}"] / pairs)
    return {"shape": sizes, "alpha": ALPHA, "rows": rows}


def make_inputs(
    kind: str, images: int, units: int, concepts: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return activations [N, U], many of them 0, and presence of one class an image [N, C].

    Args:
        kind: Of `KINDS`: "probabilities" are near the classes, and all different.
        images: N.
        units: U.
        concepts: C.
    """
    rng = np.random.default_rng(0)
    presence = (np.arange(images)[:, None] % concepts == np.arange(concepts)).astype(np.float64)
    activations = rng.normal(size=(images, units))
    activations += 2 * presence[:, np.arange(units) % concepts]
    if kind == "probabilities":
        presence = 0.8 * presence + 0.2 * rng.random(presence.shape)
    return np.maximum(activations, 0), presence


if __name__ == "__main__":
    raise SystemExit(run("faithfulness"))
