"""Compare each similarity function with its plain loop, on the same random inputs."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from baselines import similarity
from baselines.clip_dissect import SIMILARITIES, ClipDissect
from baselines.similarity.sources import EmbeddedScores
from bench.environment import hardware
from bench.speed.benchmarks import record_path
from bench.speed.harness import alternate, costs, measure_rates
from bench.speed.plain import similarity as plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

MEAN_COSINE = 0.2
"""Mean cosine of the random embeddings; that of real images and texts is positive too."""


class Shape(NamedTuple):
    """Sizes: images N, units U, concepts C, numbers D of an embedding."""

    images: int = 50_000
    units: int = 1_000
    concepts: int = 20_000
    width: int = 512


MORE_OPTIONS = {
    "loop_units": {"default": 20, "help": "units for the plain loop of rank_reorder"},
    "device": "cpu",
    "functions": {"nargs": "+", "choices": SIMILARITIES, "default": SIMILARITIES, "type": str},
}
OPTIONS = {**Shape()._asdict(), **MORE_OPTIONS}


class Inputs(NamedTuple):
    """Image embeddings [N, D], concept embeddings [C, D] and activations [N, U]."""

    images: Tensor
    concepts: Tensor
    activations: Tensor

    def product(self) -> Tensor:
        """Return the cosines of all images and concepts, float32 [N, C]."""
        return normalize(self.images) @ normalize(self.concepts).T


def make_inputs(shape: Shape, device: str, seed: int = 0) -> Inputs:
    """Draw random embeddings and activations."""
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator)
    shift = draw(shape.width) * (MEAN_COSINE / (1 - MEAN_COSINE)) ** 0.5
    images = draw(shape.images, shape.width) + shift
    concepts = draw(shape.concepts, shape.width) + shift
    activations = draw(shape.images, shape.units)
    return Inputs(images.to(device), concepts.to(device), activations.to(device))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Compare every function, from embeddings and from the matrix.

    Keep the rows of an earlier run of the same sizes that this run does not measure.
    """
    shape = Shape(options.images, options.units, options.concepts, options.width)
    rows = {}
    for row in compare(shape, options):
        rows[row["given"], SIMILARITIES.index(row["function"])] = row
        sys.stderr.write(f"{row['function']} from {row['given']}: {row['ratio']:.2f} x\n")
    file = record_path("similarity", options.out, hardware(options.device))
    if file.exists():
        earlier = json.loads(file.read_text(encoding="utf-8"))
        if (earlier["shape"], earlier["repeats"]) == (shape._asdict(), options.repeats):
            for row in earlier["rows"]:
                rows.setdefault((row["given"], SIMILARITIES.index(row["function"])), row)
    ordered = [rows[key] for key in sorted(rows)]
    return {"shape": shape._asdict(), "rates": measure_rates(options.device), "rows": ordered}


def compare(shape: Shape, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the row of each function, first from embeddings, then from the matrix."""
    inputs = make_inputs(shape, options.device)
    for given in ("embeddings", "matrix"):
        matrix = inputs.product() if given == "matrix" else None
        for name in options.functions:
            yield compare_one(name, matrix, inputs, options.loop_units, options.repeats)


def compare_one(
    name: str,
    matrix: Tensor | None,
    inputs: Inputs,
    loop_units: int,
    repeats: int,
    **official: Callable[[Tensor, Tensor], Tensor],
) -> dict[str, Any]:
    """Compare one function with its plain loop, and with the `official` function if it is given.

    Args:
        name: Name of the function.
        matrix: Scores [N, C] for all sides; None to give them embeddings, and to count the product
            on all sides.
        inputs: Embeddings and activations, on the device where all sides run.
        loop_units: Number of units for the loops of rank_reorder, which take seconds for each.
            Ours gets all units on a GPU; on a CPU ten times as many as the loop from the matrix,
            and as many from embeddings, where the product takes most of the time.
        repeats: Number of runs of each side.
        official: The authors' function.

    Returns:
        "function", "given" ("matrix" or "embeddings"), the units and costs of each side, the
        "ratio" of the plain loop's seconds per unit to ours, and the largest absolute "difference"
        of the results (None for rank_reorder, whose other sides draw at random).
    """
    device = str(inputs.activations.device)
    ClipDissect(similarity=name).warm_up(device)
    few = many = inputs.activations
    if name == "rank_reorder":
        few = few[:, :loop_units]
        if not device.startswith("cuda"):
            many = few if matrix is None else many[:, : 10 * loop_units]
    ours, loop = getattr(similarity, name), getattr(plain, name)
    if matrix is None:
        works: dict[str, Callable[[], Tensor]] = {
            "ours": lambda: ours(EmbeddedScores(inputs.images, inputs.concepts), many),
            "plain": lambda: loop(inputs.product(), few),
        }
    else:
        works = {side: partial(function, matrix, few) for side, function in official.items()}
        works |= {"ours": partial(ours, matrix, many), "plain": partial(loop, matrix, few)}
    runs = alternate(works, device, repeats)
    row: dict[str, Any] = {
        "function": name,
        "given": "embeddings" if matrix is None else "matrix",
        "units": many.shape[1],
        **{f"{side}_units": few.shape[1] for side in runs if side != "ours"},
        **costs(runs),
        "difference": None,
    }
    row["ratio"] = (row["plain_s"] / few.shape[1]) / (row["ours_s"] / many.shape[1])
    if name != "rank_reorder":
        expected = runs["official" if official else "plain"].result
        row["difference"] = float((runs["ours"].result - expected).abs().max())
    return row
