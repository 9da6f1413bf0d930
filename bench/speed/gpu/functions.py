"""Time the similarity functions and their plain loops on one device."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from baselines.clip_dissect import SIMILARITIES, ClipDissect
from bench.speed.harness import measure_rates
from bench.speed.similarity import Inputs, Shape, compare_one, make_inputs

if TYPE_CHECKING:
    from bench.speed.gpu.report import Report
    from bench.speed.gpu.sizes import Sizes

_TOP_IMAGES = {"soft_wpmi": 100, "wpmi": 28}
"""Images of a unit that a function reads, if it does not read all."""


def run(report: Report, sizes: Sizes) -> None:
    """Time each function from the matrix and from embeddings."""
    shape = Shape(*sizes.functions)
    rates = measure_rates(report.device, sizes.copied)
    report.set_facts(shape=shape._asdict(), rates=rates, repeats=sizes.repeats)
    inputs = make_inputs(shape, report.device)
    for name in SIMILARITIES:
        ClipDissect(similarity=name).warm_up(report.device)
    for given in ("matrix", "embeddings"):
        matrix = inputs.product() if given == "matrix" else None
        for name in SIMILARITIES:
            work = partial(_time, name, matrix, inputs, shape, sizes, rates)
            report.add_row(f"{name} from {given}", work)
        del matrix, work
        if report.device.startswith("cuda"):
            torch.cuda.empty_cache()


def _time(
    name: str,
    matrix: torch.Tensor | None,
    inputs: Inputs,
    shape: Shape,
    sizes: Sizes,
    rates: dict[str, float],
) -> dict[str, Any]:
    row = compare_one(name, matrix, inputs, loop_units=sizes.loop_units, repeats=sizes.repeats)
    return {**row, **shares_of_limits(name, shape, row["given"], row["ours_s"], rates)}


def shares_of_limits(
    name: str, shape: Shape, given: str, seconds: float, rates: dict[str, float]
) -> dict[str, Any]:
    """Compare a function with the limits of the machine.

    Bytes are those read and written at least once: the whole matrix if it is given, since scores
    that are not finite are refused. Products are the multiplications and additions of matrix
    products; sorting and exponentials are not counted.

    Args:
        name: Name of the function.
        shape: Sizes of the inputs.
        given: "matrix" or "embeddings".
        seconds: Seconds that it took.
        rates: Limits from `measure_rates`.
    """
    images, units, concepts, width = shape
    scores = images * concepts if given == "matrix" else (images + concepts) * width
    moved = 4.0 * (scores + images * units + units * concepts)
    products = 0.0
    if name in ("cos_similarity", "cos_similarity_cubed"):
        products += 2.0 * images * units * concepts
    if given == "embeddings":
        read = min(images, _TOP_IMAGES.get(name, images) * units)
        products += 2.0 * read * width * concepts
        if name == "cos_similarity":  # products of embeddings alone
            products = 2.0 * width * (images * width + images * units + units * concepts)
    copy, multiply = rates["copy_gb_per_s"] * 1e9, rates["matmul_gflop_per_s"] * 1e9
    return {
        "least_bytes": moved,
        "least_products": products,
        "share_of_copy_rate": moved / copy / seconds,
        "share_of_product_rate": products / multiply / seconds,
    }
