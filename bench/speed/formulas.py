"""Rows of the page on compositional explanations: INVERT's search, and the exact search."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from baselines.composition.firing import count_firing
from baselines.composition.ranked import Limits, search_by_rank
from baselines.composition.units import search_units, search_units_exactly
from baselines.dissection.quantile import unit_quantiles
from bench.errors import UserError
from bench.speed.harness import alternate, costs
from bench.speed.maps_and_masks import random_masks, responding_maps
from bench.speed.plain import formulas as plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LEVEL = 994 / 999
_SIDE, _MAP_SIDE = 56, 7
_TOLERANCE = 1e-9


def compare_invert(images: int, labels: int, units: int, repeats: int) -> dict[str, Any]:
    """Compare INVERT's search of all units with one AUROC for each candidate of one unit."""
    random = np.random.default_rng(0)
    presence = random.random((images, labels)) < 1 / np.arange(2, labels + 2)
    signal = presence[:, :units] | presence[:, units : 2 * units]
    activations = (2 * signal + random.random((images, units))).astype(np.float32)
    limits = Limits(beam=3, max_length=3, min_fraction=0.002, max_fraction=0.5)
    on_cpu = torch.from_numpy(activations), torch.from_numpy(presence)
    works: dict[str, Callable[[], Any]] = {
        "ours": partial(search_by_rank, *on_cpu, limits),
        "plain": partial(plain.search_by_rank, activations[:, 0], presence, limits),
    }
    runs = alternate(works, repeats=repeats)
    beams, compared = runs["ours"].result
    _check([one.auroc for one in beams[0]], runs["plain"].result)
    size = f"{images:,} images, {labels:,} labels, {compared[0]:,} candidates"
    return _row("INVERT: one AUROC for each candidate", size, units, costs(runs))


def compare_exact(images: int, labels: int, units: int, repeats: int) -> dict[str, Any]:
    """Compare the exact search of all units with each formula spelled out, for one unit."""
    masks = random_masks(labels, images, _SIDE)
    maps = responding_maps(masks, units, _MAP_SIDE)
    cells, firing = count_firing(maps, masks, unit_quantiles(maps, _LEVEL))
    beams = search_units(cells, firing, threads=1)
    first = next(unit for unit, beam in enumerate(beams) if beam)
    fires = np.zeros(len(cells), np.int64)
    fires[firing[first].cells] = firing[first].counts
    holds = np.array([cells.holding(label) for label in range(labels)])
    works: dict[str, Callable[[], Any]] = {
        "ours": partial(search_units_exactly, cells, firing, beams, threads=1),
        "plain": partial(plain.best_iou, holds, cells.sizes, fires, firing[first].pixels),
    }
    runs = alternate(works, repeats=repeats)
    found = runs["ours"].result
    _check([found[first][0].iou], [runs["plain"].result])
    misses = sum(one[:1] != beam[:1] for one, beam in zip(found, beams, strict=True))
    size = (
        f"{len(cells):,} cells, {labels:,} labels, {9 * labels**3:,} formulas; "
        f"the beam misses {misses} of {units}"
    )
    return _row("exact: every formula spelled out", size, units, costs(runs))


def _row(what: str, size: str, units: int, columns: dict[str, float]) -> dict[str, Any]:
    """Return a row with the costs of one unit, of which our side searched several."""
    names = ("s", "cpu_s")
    ours = {f"ours_{name}": columns[f"ours_{name}"] / units for name in names}
    loop = {f"plain_{name}": columns[f"plain_{name}"] for name in names}
    return {"what": what, "size": size, "units": units, **ours, **loop}


def _check(found: Sequence[float], expected: Sequence[float]) -> None:
    """Refuse scores that differ.

    Raises:
        UserError: The two sides found different scores.
    """
    if not np.allclose(found, expected, rtol=0, atol=_TOLERANCE):
        raise UserError(f"the results of the two sides differ: {found} and {expected}")
