"""Compare unit embeddings and linear explanations with their plain loops, on random inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import normalize

from baselines import alignment
from baselines.calibration import Calibration
from baselines.linear import LinearExplanations
from baselines.regression import (
    ConceptValues,
    Penalty,
    SearchLimits,
    explain_units,
    split_images,
)
from bench.errors import UserError
from bench.speed import similarity
from bench.speed.benchmarks import run
from bench.speed.harness import alternate, costs
from bench.speed.plain import alignment as plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from torch import Tensor

CALIBRATION = Calibration(58.0, -0.25)
PARTS_OF_A_UNIT = 4
"""Concepts that add to the activation of each unit, as linear explanations need some to find."""


class Shape(NamedTuple):
    """Sizes: images N, units U, concepts C, numbers D of an embedding."""

    images: int = 10_000
    units: int = 256
    concepts: int = 2_000
    width: int = 512


OPTIONS = {
    **Shape()._asdict(),
    "plain_units": {"default": 16, "help": "units for the plain loops"},
}


class Inputs(NamedTuple):
    """Embeddings of unit length, images [N, D] and texts [C, D]; activations [N, U]."""

    images: Tensor
    texts: Tensor
    activations: Tensor


def make_inputs(shape: Shape, seed: int = 0) -> Inputs:
    """Draw embeddings, and activations that are sums of a few concepts and noise."""
    drawn = similarity.make_inputs(similarity.Shape(*shape), "cpu", seed)
    images, texts = normalize(drawn.images, dim=1), normalize(drawn.concepts, dim=1)
    chosen = np.random.default_rng(seed).integers(len(texts), size=(shape.units, PARTS_OF_A_UNIT))
    values = CALIBRATION.probabilities(images @ texts.T)
    signal = torch.stack([values[:, own].sum(dim=1) for own in chosen], dim=1)
    return Inputs(images, texts, signal + 0.3 * drawn.activations)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Compare every method by the time for a unit."""
    shape = Shape(options.images, options.units, options.concepts, options.width)
    few = options.plain_units
    if few > shape.units:
        raise UserError(f"--plain-units: {few} exceeds --units {shape.units}")
    return {"shape": shape._asdict(), "rows": compare(make_inputs(shape), few, options.repeats)}


def compare(inputs: Inputs, few: int, repeats: int) -> list[dict[str, Any]]:
    """Return the row of each method.

    Args:
        inputs: Embeddings and activations.
        few: Number of units for the plain loops.
        repeats: Runs of each side.
    """
    images, texts, activations = inputs

    def by_vectors(embed: Callable[[], Tensor]) -> Callable[[], Tensor]:
        return lambda: alignment.align(embed(), texts)

    def csp() -> Tensor:
        return alignment.unit_embeddings(images, activations, top_k=30, weighted=True, contrast=0.5)

    ours = {
        "semantic_lens": by_vectors(
            lambda: alignment.unit_embeddings(images, activations, top_k=20)
        ),
        "csp": by_vectors(csp),
        "direction": by_vectors(lambda: alignment.covariance_directions(images, activations)),
    }
    rows: list[dict[str, Any]] = []
    for name, work in ours.items():
        loop = partial(getattr(plain, name), images, texts, activations[:, :few])
        runs = alternate({"ours": work, "plain": loop}, repeats=repeats)
        difference = (runs["ours"].result[:few] - runs["plain"].result).abs().max()
        rows.append({"method": name, **costs(runs), "difference": float(difference)})
    rows.append(compare_linear(inputs, few, repeats))
    n = activations.shape[1]
    for row in rows:
        row |= {"units": n, "plain_units": few}
        for kind in ("s", "cpu_s"):
            row[f"ratio_{kind}"] = (row[f"plain_{kind}"] / few) / (row[f"ours_{kind}"] / n)
    return rows


def compare_linear(inputs: Inputs, few: int, repeats: int) -> dict[str, Any]:
    """Return the row of linear explanations, with the share of units with the same concepts."""
    method = LinearExplanations()
    method.warm_up()
    penalty = Penalty(method.penalty * method.l1_ratio, method.penalty * (1 - method.l1_ratio))
    limits = SearchLimits(method.max_concepts, method.least_gain)
    images, texts, activations = inputs
    split = split_images(len(images), seed=0)
    ordered = activations[split.order]

    def chosen_values() -> ConceptValues:
        cosines = images[split.order] @ texts.T
        return ConceptValues.choose([CALIBRATION.probabilities(cosines)], split)

    def ours() -> list[list[int]]:
        values = chosen_values()
        found = explain_units(values, ordered, penalty, limits)
        return [sorted(own.concepts.tolist()) for own in found]

    def loop() -> list[list[int]]:
        values = chosen_values()
        found = plain.linear(
            values.values.double().numpy(), ordered[:, :few].double().numpy(), split.train,
            split.validation, penalty, limits,
        )  # fmt: skip
        return [values.places[own].tolist() for own in found]

    runs = alternate({"ours": ours, "plain": loop}, repeats=repeats)
    pairs = zip(runs["ours"].result, runs["plain"].result, strict=False)
    same = np.mean([one == other for one, other in pairs])
    return {"method": "linear", **costs(runs), "difference": None, "same_concepts": float(same)}


if __name__ == "__main__":
    raise SystemExit(run("alignment"))
