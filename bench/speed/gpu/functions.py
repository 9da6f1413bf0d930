"""Time the similarity functions and their plain loops on one device."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from baselines.clip_dissect import SIMILARITIES
from bench.speed.harness import measure_rates
from bench.speed.similarity import Shape, compare_one, make_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.speed.gpu.report import Report
    from bench.speed.gpu.sizes import Sizes

_TOP_IMAGES = {"soft_wpmi": 100, "wpmi": 28}
"""Images of a unit that a function reads, if it does not read all."""


def time_functions(report: Report, sizes: Sizes, _folder: Path) -> None:
    """Time each function from the matrix and from embeddings."""
    shape = Shape(*sizes.functions)
    rates = measure_rates(report.device, sizes.copied)
    report.set_facts(shape=shape._asdict(), rates=rates, repeats=sizes.repeats)
    inputs = make_inputs(shape, report.device)

    def time(name: str) -> dict[str, Any]:
        row = compare_one(name, matrix, inputs, sizes.loop_units, sizes.repeats)
        return row | shares_of_limits(name, shape, row["given"], row["ours_s"], rates)

    for given in ("matrix", "embeddings"):
        matrix = inputs.product() if given == "matrix" else None
        for name in SIMILARITIES:
            report.add_row(f"{name} from {given}", partial(time, name))


def shares_of_limits(
    name: str, shape: Shape, given: str, seconds: float, rates: Mapping[str, float]
) -> dict[str, float]:
    """Compare the seconds of a function with the limits of the machine (`measure_rates`).

    Bytes are those read and written at least once: the whole matrix if it is given, since scores
    that are not finite are refused. Products are the multiplications and additions of matrix
    products; sorting and exponentials are not counted.
    """
    images, units, concepts, width = shape
    scores = images * concepts if given == "matrix" else (images + concepts) * width
    moved = 4.0 * (scores + images * units + units * concepts)
    products = 2.0 * images * units * concepts if name.startswith("cos_similarity") else 0.0
    if given == "embeddings" and name == "cos_similarity":  # products of embeddings alone
        products = 2.0 * width * (images * width + images * units + units * concepts)
    elif given == "embeddings":
        products += 2.0 * min(images, _TOP_IMAGES.get(name, images) * units) * width * concepts
    return {
        "least_bytes": moved,
        "least_products": products,
        "share_of_copy_rate": moved / (rates["copy_gb_per_s"] * 1e9) / seconds,
        "share_of_product_rate": products / (rates["matmul_gflop_per_s"] * 1e9) / seconds,
    }
