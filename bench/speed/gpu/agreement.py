"""Whether a GPU gives what the CPU gives: every path that computes there, on the same inputs."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import normalize

from bench.speed.compare import Shape, make_inputs
from bench.speed.gpu import agreement_networks as networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from bench.speed.gpu.sheet import Sheet
    from bench.speed.gpu.sizes import Sizes

CLEAR = 1e-3
"""A label must be the same where the CPU's best two scores differ by more than this."""

TOLERANCE = 2e-5
"""Largest difference of a score, as a share of 1 + its size."""

ORDERS = 0.05
"""The same of rank_reorder from embeddings: it puts images in the order of products whose last bits
depend on the device, so that two of almost equal score may change places."""


def run(sheet: Sheet, sizes: Sizes) -> None:
    """Compare the similarity functions, the passes over maps and masks, and the networks."""
    sheet.say(clear=CLEAR, shape=Shape(*sizes.agreement).__dict__, images=sizes.agreement_images)
    inputs = _inputs(Shape(*sizes.agreement))
    from baselines.clip_dissect import SIMILARITIES

    for given in ("matrix", "embeddings"):
        for name in SIMILARITIES:
            sheet.row(
                f"{name} from {given}", partial(_similarity, name, given, inputs, sheet.device)
            )
    for label, work in networks.comparisons(sheet.device, sizes).items():
        sheet.row(label, work)


def _inputs(shape: Shape) -> tuple[Tensor, Tensor, Tensor]:
    """Random ones, with a unit that is constant, one with a NaN, and one of many equal values."""
    images, concepts, activations = make_inputs(shape, "cpu", seed=0)
    activations[:, 0] = 1.5
    activations[3, 1] = math.nan
    activations[:, 2] = activations[:, 2].round()
    return images, concepts, activations


def _similarity(
    name: str, given: str, inputs: tuple[Tensor, Tensor, Tensor], device: str
) -> dict[str, Any]:
    from baselines import similarity
    from baselines.similarity.sources import EmbeddedScores

    function: Callable[..., Tensor] = getattr(similarity, name)

    def scores(place: str) -> Tensor:
        images, concepts, activations = (each.to(place) for each in inputs)
        if given == "embeddings":
            return function(EmbeddedScores(images, concepts), activations).cpu()
        # One matrix for both: the product's last bits are another row's matter.
        matrix = (normalize(inputs[0]) @ normalize(inputs[1]).T).to(place)
        return function(matrix, activations).cpu()

    reordered = name == "rank_reorder" and given == "embeddings"
    return compare_scores(scores("cpu"), scores(device), ORDERS if reordered else TOLERANCE)


def compare_scores(ours: Tensor, theirs: Tensor, tolerance: float) -> dict[str, Any]:
    """Compare two score matrices [U, C], the first of the CPU.

    Args:
        ours: Of the CPU.
        theirs: Of the device.
        tolerance: Largest difference, as a share of 1 + the score's size.

    Returns:
        {"numbers", "largest_difference", "relative_difference", "labels", "labels_differ",
        "undefined_differ", "agrees"}; labels are compared where they are clear (`CLEAR`).
    """
    both = ours.isfinite() & theirs.isfinite()
    undefined = int((ours.isfinite() != theirs.isfinite()).sum())
    gap = (ours - theirs).abs()[both]
    relative = gap / (1 + ours.abs()[both])
    live = both.any(dim=1)
    ordered = torch.where(both, ours, -torch.inf)[live]
    best = ordered.topk(min(2, ordered.shape[1]), dim=1).values
    clear = best[:, 0] - best[:, -1] > CLEAR
    same = ordered.argmax(dim=1) == torch.where(both, theirs, -torch.inf)[live].argmax(dim=1)
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
