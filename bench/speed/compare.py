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

    @property
    def matrix_bytes(self) -> int:
        """Bytes of the matrix of images x concepts in float32."""
        return self.images * self.concepts * 4


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
        loop_units: Units for rank_reorder, whose plain loop takes seconds for each. Ours then
            gets ten times as many where the matrix is given; from embeddings both get these, as
            the product is counted on both sides.
        repeats: Runs of each; the median counts.
        seed: Of the random inputs.
    """
    for name in functions:
        ClipDissect(similarity=name).warm_up(device)
    images, concepts, activations = make_inputs(shape, device, seed)
    for given in ("embeddings", "matrix"):
        # Held over all functions: neither side pays for making it where it is given.
        matrix = _product(images, concepts) if given == "matrix" else None
        for name in functions:
            loop, function = LOOPS[name], getattr(similarity, name)
            few = many = activations
            if name == "rank_reorder":
                few = activations[:, :loop_units]
                many = few if matrix is None else activations[:, : 10 * loop_units]
            run_plain = partial(_plain, loop, matrix, images, concepts, few)
            run_ours = partial(_ours, function, matrix, images, concepts, many)
            ours_s, ours_bytes, ours = _measure(run_ours, device, repeats)
            plain_s, plain_bytes, theirs = _measure(run_plain, device, repeats)
            yield Comparison(
                function=name,
                given=given,
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
    return loop(_product(images, concepts) if matrix is None else matrix, activations)


def _ours(
    function: Function, matrix: Tensor | None, images: Tensor, concepts: Tensor, activations: Tensor
) -> Tensor:
    return function(EmbeddedScores(images, concepts) if matrix is None else matrix, activations)


def _product(images: Tensor, concepts: Tensor) -> Tensor:
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
    """Median wall seconds, peak bytes above what was held before, and the last result."""
    walls, peaks = [], []
    result = torch.empty(0)
    for _ in range(repeats):
        del result
        release()
        before = held(device)
        timer = Timer(device)
        with timer.phase("match"):
            result = work()
        [phase] = timer.records()
        walls.append(phase["wall_s"])
        at = "peak_device_bytes" if timer.on_device else "peak_host_bytes"
        peaks.append(int(phase[at]) - before)
    return statistics.median(walls), max(peaks), result
