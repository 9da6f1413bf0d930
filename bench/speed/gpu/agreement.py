"""Compare the results of a GPU with those of the CPU, on every path that computes there."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from baselines import similarity
from baselines.clip_dissect import SIMILARITIES
from baselines.similarity.sources import EmbeddedScores
from bench.speed.gpu.agreement_paths import COMPARISONS
from bench.speed.similarity import Inputs, Shape, make_inputs

if TYPE_CHECKING:
    from torch import Tensor

    from bench.speed.gpu.report import Report
    from bench.speed.gpu.sizes import Sizes

CLEAR = 1e-3
"""A label must be the same if the CPU's best two scores differ by more than this."""

TOLERANCE = 2e-5
"""Largest difference of a score, as a share of 1 + its size."""

ORDERS = 0.05
"""The same for rank_reorder from embeddings, which orders images by products whose last bits depend
on the device: two images of almost equal score may change places."""


def run(report: Report, sizes: Sizes) -> None:
    """Compare the similarity functions, the passes over maps and masks, and the networks."""
    shape = Shape(*sizes.agreement)
    report.set_facts(clear=CLEAR, shape=shape._asdict(), images=sizes.agreement_images)
    inputs = _inputs(shape)
    for given in ("matrix", "embeddings"):
        for name in SIMILARITIES:
            work = partial(_compare_function, name, given, inputs, report.device)
            report.add_row(f"{name} from {given}", work)
    for name, comparison in COMPARISONS.items():
        report.add_row(name, partial(comparison.run, report.device, sizes))


def _inputs(shape: Shape) -> Inputs:
    """Draw random inputs with a constant unit, one with a NaN, and one with many ties."""
    inputs = make_inputs(shape, "cpu")
    inputs.activations[:, 0] = 1.5
    inputs.activations[3, 1] = math.nan
    inputs.activations[:, 2] = inputs.activations[:, 2].round()
    return inputs


def _compare_function(name: str, given: str, inputs: Inputs, device: str) -> dict[str, Any]:
    function = getattr(similarity, name)
    matrix = inputs.product()  # one for both devices: products may differ in their last bits

    def scores(place: str) -> Tensor:
        images, concepts, activations = (each.to(place) for each in inputs)
        source = EmbeddedScores(images, concepts) if given == "embeddings" else matrix.to(place)
        result: Tensor = function(source, activations)
        return result.cpu()

    reordered = name == "rank_reorder" and given == "embeddings"
    return compare_scores(scores("cpu"), scores(device), ORDERS if reordered else TOLERANCE)


def compare_scores(ours: Tensor, theirs: Tensor, tolerance: float) -> dict[str, Any]:
    """Compare two score matrices [U, C].

    Args:
        ours: Scores of the CPU.
        theirs: Scores of the device.
        tolerance: Largest difference, as a share of 1 + the score's size.

    Returns:
        {"numbers", "largest_difference", "relative_difference", "labels", "labels_differ",
        "undefined_differ", "agrees"}; only clear labels are compared (`CLEAR`).
    """
    both = ours.isfinite() & theirs.isfinite()
    undefined = int((ours.isfinite() != theirs.isfinite()).sum())
    gap = (ours - theirs).abs()[both]
    relative = gap / (1 + ours.abs()[both])
    alive = both.any(dim=1)
    ordered = torch.where(both, ours, -torch.inf)[alive]
    best = ordered.topk(min(2, ordered.shape[1]), dim=1).values
    clear = best[:, 0] - best[:, -1] > CLEAR
    same = ordered.argmax(dim=1) == torch.where(both, theirs, -torch.inf)[alive].argmax(dim=1)
    differ = int((clear & ~same).sum())
    worst = float(relative.max()) if relative.numel() else 0.0
    return {
        "numbers": int(both.sum()),
        "largest_difference": float(gap.max()) if gap.numel() else 0.0,
        "relative_difference": worst,
        "labels": int(clear.sum()),
        "labels_differ": differ,
        "undefined_differ": undefined,
        "agrees": differ == 0 and undefined == 0 and worst <= tolerance,
    }
