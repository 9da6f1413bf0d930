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
from bench.speed import page
from bench.speed.benchmarks import record_path
from bench.speed.harness import alternate, measure_rates
from bench.speed.plain import similarity as plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

MEAN_COSINE = 0.2
"""Mean cosine of the random embeddings; that of real images and texts is positive too."""

PAGE = """\
# Similarity functions on {where}

{shape[images]:,} images x {shape[concepts]:,} concepts, embeddings of {shape[width]} numbers; the
matrix of images x concepts takes {matrix}. Medians of {repeats} run(s); rows may be of different
runs. Memory is the peak above the inputs. Made on {made} by `python -m bench.speed`.

{rows_table}

Limits of this machine in the latest run: memory copies at {rates[copy_gb_per_s]:.1f} GB/s, float32
matrix products at {rates[matmul_gflop_per_s]:.0f} GFLOP/s, {rates[exp_float64_g_per_s]:.2f}e9
float64 exponentials and {rates[log_float32_g_per_s]:.2f}e9 float32 logarithms per second.
"""


class Shape(NamedTuple):
    """Sizes: images N, units U, concepts C, numbers D of an embedding."""

    images: int
    units: int
    concepts: int
    width: int


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
    shift = torch.randn(shape.width, generator=generator)
    shift *= (MEAN_COSINE / (1 - MEAN_COSINE)) ** 0.5
    images = torch.randn(shape.images, shape.width, generator=generator) + shift
    concepts = torch.randn(shape.concepts, shape.width, generator=generator) + shift
    activations = torch.randn(shape.images, shape.units, generator=generator)
    return Inputs(images.to(device), concepts.to(device), activations.to(device))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `python -m bench.speed`."""
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--units", type=int, default=1_000)
    parser.add_argument("--concepts", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=512, help="numbers of an embedding")
    parser.add_argument("--loop-units", type=int, default=20, help="units for rank_reorder")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--functions", nargs="+", choices=SIMILARITIES, default=SIMILARITIES)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Compare every function, from embeddings and from the matrix."""
    shape = Shape(options.images, options.units, options.concepts, options.width)
    measured = {"shape": shape._asdict(), "repeats": options.repeats}
    rows = []
    for row in compare(shape, options):
        rows.append(row)
        sys.stderr.write(f"{row['function']} from {row['given']}: {row['ratio']:.2f} x\n")
    rows += _earlier_rows(measured, rows, options)
    rows.sort(key=lambda row: (row["given"], SIMILARITIES.index(row["function"])))
    return {**measured, "rates": measure_rates(options.device), "rows": rows}


def compare(shape: Shape, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the row of each function, first from embeddings, then from the matrix."""
    inputs = make_inputs(shape, options.device)
    for given in ("embeddings", "matrix"):
        matrix = inputs.product() if given == "matrix" else None
        for name in options.functions:
            yield compare_one(
                name, matrix, inputs, loop_units=options.loop_units, repeats=options.repeats
            )


def compare_one(
    name: str, matrix: Tensor | None, inputs: Inputs, *, loop_units: int = 20, repeats: int = 3
) -> dict[str, Any]:
    """Compare one function with its plain loop.

    Args:
        name: Name of the function.
        matrix: Scores [N, C] for both sides; None to give them embeddings, and to count the product
            on both sides.
        inputs: Embeddings and activations, on the device where both sides run.
        loop_units: Number of units for the plain loop of rank_reorder, which takes seconds for
            each. Ours gets all units on a GPU; on a CPU ten times as many as the loop from the
            matrix, and as many from embeddings, where the product takes most of the time.
        repeats: Number of runs of each side.

    Returns:
        "function", "given" ("matrix" or "embeddings"), "units", "plain_units", the costs of both
        sides, the "ratio" of seconds per unit, and the largest absolute "difference" of the results
        (None for rank_reorder, whose plain loop draws at random).
    """
    device = str(inputs.activations.device)
    ClipDissect(similarity=name).warm_up(device)
    few = many = inputs.activations
    if name == "rank_reorder":
        few = few[:, :loop_units]
        if not device.startswith("cuda"):
            many = few if matrix is None else many[:, : 10 * loop_units]
    function, loop = getattr(similarity, name), getattr(plain, name)
    if matrix is None:
        works = {
            "ours": lambda: function(EmbeddedScores(inputs.images, inputs.concepts), many),
            "plain": lambda: loop(inputs.product(), few),
        }
    else:
        works = {"ours": partial(function, matrix, many), "plain": partial(loop, matrix, few)}
    runs = alternate(works, device, repeats)
    row: dict[str, Any] = {
        "function": name,
        "given": "embeddings" if matrix is None else "matrix",
        "units": many.shape[1],
        "plain_units": few.shape[1],
        **runs["ours"].costs("ours"),
        **runs["plain"].costs("plain"),
        "difference": None,
    }
    row["ratio"] = (row["plain_s"] / few.shape[1]) / (row["ours_s"] / many.shape[1])
    if name != "rank_reorder":
        row["difference"] = float((runs["ours"].result - runs["plain"].result).abs().max())
    return row


def _earlier_rows(
    measured: Mapping[str, Any], rows: list[dict[str, Any]], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return the rows of an earlier run of the same sizes that this run did not measure."""
    file = record_path("similarity", options.out, hardware(options.device))
    try:
        earlier = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if any(earlier.get(key) != value for key, value in measured.items()):
        return []
    new = {(row["function"], row["given"]) for row in rows}
    return [row for row in earlier["rows"] if (row["function"], row["given"]) not in new]


def render(record: Mapping[str, Any]) -> str:
    """Return the page of a record."""
    shape = record["shape"]
    rows = page.table(
        ("function", "given", "plain loop, seconds / units", "ours", "ratio per unit",
         "memory plain", "ours", "max difference"),
        (
            (
                row["function"],
                row["given"],
                f"{row['plain_s']:.2f} s / {row['plain_units']:,}",
                f"{row['ours_s']:.2f} s / {row['units']:,}",
                f"**{row['ratio']:.1f}x**",
                page.size(row["plain_bytes"]),
                page.size(row["ours_bytes"]),
                page.number(row["difference"], ".1e"),
            )
            for row in record["rows"]
        ),
        left=2,
    )  # fmt: skip
    matrix = page.size(4 * shape["images"] * shape["concepts"])
    return page.fill(PAGE, record, matrix=matrix, rows_table=rows)
