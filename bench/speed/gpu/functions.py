"""The similarity functions against their plain loops, on one device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.speed.compare import Shape, compare_one, make_inputs, multiply_out
from bench.speed.rates import measure_rates

if TYPE_CHECKING:
    from bench.speed.gpu.sheet import Sheet
    from bench.speed.gpu.sizes import Sizes


_TOP = {"soft_wpmi": 100, "wpmi": 28}
"""Images of a unit that a function reads, where it does not read all."""


def run(sheet: Sheet, sizes: Sizes) -> None:
    """Time each function from the matrix and from embeddings; ours first, so that it is had."""
    import torch

    from baselines.clip_dissect import SIMILARITIES, ClipDissect

    shape = Shape(*sizes.functions)
    rates = measure_rates(sheet.device, sizes.copied)
    sheet.say(shape=shape.__dict__, rates=rates, repeats=sizes.repeats)
    images, concepts, activations = make_inputs(shape, sheet.device, seed=0)
    for name in SIMILARITIES:
        ClipDissect(similarity=name).warm_up(sheet.device)
    for given in ("matrix", "embeddings"):
        matrix = multiply_out(images, concepts) if given == "matrix" else None
        for name in SIMILARITIES:

            def work(name: str = name, matrix: Any = matrix) -> dict[str, Any]:
                found = compare_one(
                    name,
                    matrix,
                    (images, concepts, activations),
                    sheet.device,
                    loop_units=sizes.loop_units,
                    repeats=sizes.repeats,
                )
                return {
                    **found.record(),
                    **shares_of_limits(name, sizes.functions, found.given, found.ours_s, rates),
                }

            sheet.row(f"{name} from {given}", work)
        del matrix
        if sheet.device.startswith("cuda"):
            torch.cuda.empty_cache()


def shares_of_limits(
    name: str,
    shape: tuple[int, int, int, int],
    given: str,
    seconds: float,
    rates: dict[str, float],
) -> dict[str, Any]:
    """How near to the machine's own limits a function comes.

    Bytes are what it has to read and write at least once: the whole matrix where it is given, since
    a score that is not finite is refused wherever it stands. Products are the multiplications and
    additions of its matrix products. What is sorted or exponentiated on the way is not counted.

    Args:
        name: The function.
        shape: Images, units, concepts, numbers of an embedding.
        given: "matrix" or "embeddings".
        seconds: What it took.
        rates: Of `bench.speed.rates`.
    """
    images, units, concepts, width = shape
    scores = images * concepts if given == "matrix" else (images + concepts) * width
    moved = 4.0 * (scores + images * units + units * concepts)
    products = 0.0
    if name in ("cos_similarity", "cos_similarity_cubed"):
        products += 2.0 * images * units * concepts
    if given == "embeddings":
        read = min(images, _TOP.get(name, images) * units)
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
