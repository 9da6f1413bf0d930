"""Each similarity function against its plain loop, on the same random inputs in one process."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from baselines import similarity
from baselines.clip_dissect import SIMILARITIES, ClipDissect
from baselines.similarity.sources import EmbeddedScores
from bench.speed import plain
from bench.speed.memory import held, release
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Function = Callable[[Any, Tensor], Tensor]

LOOPS: dict[str, Function] = {name: getattr(plain, name) for name in SIMILARITIES}
CONCEPT_SCORE = 0.2
"""Mean cosine of the random embeddings: those of real images and texts are positive."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a comparison: N images, U units, C concepts, embeddings of D numbers."""

    images: int
    units: int
    concepts: int
    width: int


@dataclass(frozen=True)
class Comparison:
    """One function, ours against the plain loop.

    Attributes:
        function: Its name.
        given: "matrix" or "embeddings" (then their product is counted on both sides).
        units: Units that ours described.
        plain_units: Units that the plain loop described: fewer, where it takes seconds for each.
        plain_s: Median wall seconds of the plain loop.
        ours_s: Median wall seconds of ours.
        ratio: Seconds per unit of the plain loop over those of ours.
        plain_bytes: Peak memory of the plain loop above that of the inputs.
        ours_bytes: The same of ours.
        difference: Greatest absolute difference of the two results; None for rank_reorder, whose
            plain loop draws at random.
    """

    function: str
    given: str
    units: int
    plain_units: int
    plain_s: float
    ours_s: float
    ratio: float
    plain_bytes: int
    ours_bytes: int
    difference: float | None

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def compare(
    shape: Shape,
    device: str,
    *,
    functions: Sequence[str] = SIMILARITIES,
    loop_units: int = 20,
    repeats: int = 3,
    seed: int = 0,
) -> Iterator[Comparison]:
    """Compare every function, from embeddings and from the matrix.

    Args:
        shape: Sizes.
        device: Where both run.
        functions: Which ones.
        loop_units: As of `compare_one`.
        repeats: Runs of each; the median counts.
        seed: Of the random inputs.
    """
    for name in functions:
        ClipDissect(similarity=name).warm_up(device)
    inputs = make_inputs(shape, device, seed)
    for given in ("embeddings", "matrix"):
        # Held over all functions: neither side pays for making it where it is given.
        matrix = multiply_out(*inputs[:2]) if given == "matrix" else None
        for name in functions:
            yield compare_one(name, matrix, inputs, device, loop_units=loop_units, repeats=repeats)


def compare_one(
    name: str,
    matrix: Tensor | None,
    inputs: tuple[Tensor, Tensor, Tensor],
    device: str,
    *,
    loop_units: int = 20,
    repeats: int = 3,
) -> Comparison:
    """Compare one function.

    Args:
        name: The function.
        matrix: Scores S [N, C] that both sides are given; None to give them embeddings, whose
            product is then counted on both sides.
        inputs: Of `make_inputs`.
        device: Where both run.
        loop_units: Units for the plain loop of rank_reorder, which takes long for each. Ours gets
            all of them on a GPU; on a CPU ten times as many as the loop where the matrix is given,
            and as many from embeddings, where the product is most of its work.
        repeats: Runs of each; the median counts.
    """
    images, concepts, activations = inputs
    loop, function = LOOPS[name], getattr(similarity, name)
    few = many = activations
    if name == "rank_reorder":
        few = activations[:, :loop_units]
        if not device.startswith("cuda"):
            many = few if matrix is None else activations[:, : 10 * loop_units]
    run_plain = partial(_plain, loop, matrix, images, concepts, few)
    run_ours = partial(_ours, function, matrix, images, concepts, many)
    ours_s, ours_bytes, ours = _measure(run_ours, device, repeats)
    plain_s, plain_bytes, theirs = _measure(run_plain, device, repeats)
    return Comparison(
        function=name,
        given="embeddings" if matrix is None else "matrix",
        units=many.shape[1],
        plain_units=few.shape[1],
        plain_s=plain_s,
        ours_s=ours_s,
        ratio=(plain_s / few.shape[1]) / (ours_s / many.shape[1]),
        plain_bytes=plain_bytes,
        ours_bytes=ours_bytes,
        difference=None if name == "rank_reorder" else float((ours - theirs).abs().max()),
    )


def _plain(
    loop: Function, matrix: Tensor | None, images: Tensor, concepts: Tensor, activations: Tensor
) -> Tensor:
    return loop(multiply_out(images, concepts) if matrix is None else matrix, activations)


def _ours(
    function: Function, matrix: Tensor | None, images: Tensor, concepts: Tensor, activations: Tensor
) -> Tensor:
    return function(EmbeddedScores(images, concepts) if matrix is None else matrix, activations)


def multiply_out(images: Tensor, concepts: Tensor) -> Tensor:
    """Cosines of all images and concepts, float32 [N, C]."""
    return normalize(images) @ normalize(concepts).T


def make_inputs(shape: Shape, device: str, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random image embeddings [N, D], concept embeddings [C, D] and activations [N, U]."""
    generator = torch.Generator().manual_seed(seed)
    shift = torch.randn(shape.width, generator=generator)
    shift *= (CONCEPT_SCORE / (1 - CONCEPT_SCORE)) ** 0.5
    images = torch.randn(shape.images, shape.width, generator=generator) + shift
    concepts = torch.randn(shape.concepts, shape.width, generator=generator) + shift
    activations = torch.randn(shape.images, shape.units, generator=generator)
    return images.to(device), concepts.to(device), activations.to(device)


def _measure(work: Callable[[], Tensor], device: str, repeats: int) -> tuple[float, int, Tensor]:
    """Median seconds, peak bytes above what was held before, and the last result.

    Seconds are those between two CUDA events on a GPU, where a run before the first warms it up.
    """
    seconds, peaks = [], []
    result = torch.empty(0)
    timer = Timer(device)
    if timer.on_device:
        work()
    for _ in range(repeats):
        del result
        release()
        before = held(device)
        timer = Timer(device)
        with timer.phase("match"):
            result = work()
        [phase] = timer.records()
        seconds.append(phase["device_s"] if timer.on_device else phase["wall_s"])
        at = "peak_device_bytes" if timer.on_device else "peak_host_bytes"
        peaks.append(int(phase[at]) - before)
    return statistics.median(seconds), max(peaks), result
