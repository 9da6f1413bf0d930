"""Compare the search for formulas with merges of run-length masks.

Both sides get the same masks and thresholded maps, in memory, and search the same candidates for
the same units to the end; nothing is extrapolated. The benchmark fails unless the formulas and
scores of both sides are equal. INVERT's search and the exact search are compared with plain loops
at smaller sizes (`formulas`).
"""

from __future__ import annotations

import statistics
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from baselines.composition.firing import count_firing
from baselines.composition.formula import text
from baselines.composition.units import search_units
from baselines.compositional import Compositional
from baselines.dissection.quantile import unit_quantiles
from baselines.dissection.upsample import upsample
from bench.errors import UserError
from bench.speed.benchmarks import run
from bench.speed.formulas import compare_exact, compare_invert
from bench.speed.harness import alternate
from bench.speed.harness import measure as measure_run
from bench.speed.maps_and_masks import RandomMaps, RandomMasks, random_masks, responding_maps
from bench.speed.plain import composition as plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Side = tuple[dict[str, Any], list[list[tuple[str, float]]]]
    """Costs of a side, and formulas and scores of each unit's beam."""

LEVEL = 994 / 999
_SIDE, _MAP_SIDE = 112, 14

OPTIONS = {
    "concepts": 1_200,
    "images": 10_000,
    "units": 4,
    "plain_units": {"default": 2, "help": "units for the plain loop"},
    "invert_labels": {"default": 300, "help": "labels for INVERT"},
    "exact_labels": {"default": 25, "help": "labels for the exact search"},
}
_FEW_IMAGES, _FEW_UNITS = 5_000, 16
"""Most images and units for INVERT and for the exact search."""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure both sides; raise UserError if their formulas or scores differ."""
    units = options.plain_units
    if units > options.units:
        raise UserError(f"{units} exceeds --units {options.units}", where="--plain-units")
    masks = random_masks(options.concepts, options.images, _SIDE)
    maps = responding_maps(masks, options.units, _MAP_SIDE)
    thresholds = unit_quantiles(maps, LEVEL)
    ours, expected = _measure_ours(masks, maps, thresholds, units, options.repeats)
    sys.stderr.write(f"ours: {ours}\n")
    loop, found = _measure_plain(masks, maps, thresholds, units)
    sys.stderr.write(f"plain: {loop}\n")
    if found != expected:
        raise UserError(f"the results of the two sides differ:\n{expected}\n{found}")
    labels = [len(np.unique(planes[planes >= 0])) + 1 for planes in masks.planes]
    shape = {name: getattr(options, name) for name in ("concepts", "images", "units")}
    images, repeats = min(options.images, _FEW_IMAGES), options.repeats
    rows = [
        compare_invert(images, options.invert_labels, _FEW_UNITS, repeats),
        compare_exact(images, options.exact_labels, _FEW_UNITS, repeats),
    ]
    return {
        "shape": {**shape, "side": _SIDE, "labels_per_image": float(np.mean(labels))},
        "ours": ours,
        "plain": loop,
        "formulas": rows,
    }


def values(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return no rows of INVERT and of the exact search for a record of an older version."""
    return {"formulas": record.get("formulas", [])}


def _measure_ours(
    masks: RandomMasks,
    maps: RandomMaps,
    thresholds: NDArray[np.float64],
    plain_units: int,
    repeats: int,
) -> Side:
    """Measure our search; return its costs and the beams of the first units."""
    Compositional().warm_up()
    counting = partial(count_firing, maps, masks, thresholds)
    prepare = alternate({"prepare": counting}, repeats=repeats)["prepare"]
    cells, firing = prepare.result
    cells.prepare()
    search = partial(search_units, cells)
    works = {
        "official": partial(search, firing[:plain_units], threads=1, official_beam=True),
        "own": partial(search, firing, threads=1, official_beam=False),
        "threads": partial(search, firing, threads=None, official_beam=False),
    }
    runs = alternate(works, repeats=repeats)
    names = [f"l{number}" for number in range(len(masks.labels))]
    costs = {
        "cells": len(cells),
        "labels_per_cell": len(cells.labels) / max(1, len(cells)),
        "held_bytes": cells.held_bytes,
        "firing_bytes": sum(unit.cells.nbytes + unit.counts.nbytes for unit in firing),
        "prepare_s": prepare.seconds,
        "prepare_bytes": prepare.peak_bytes,
        "same_search_s_per_unit": runs["official"].seconds / plain_units,
        "search_s_per_unit": runs["own"].seconds / len(firing),
        "search_s_per_unit_in_threads": runs["threads"].seconds / len(firing),
        "threads": torch.get_num_threads(),
    }
    beams = runs["official"].result
    return costs, [[(text(one.formula, names), one.score) for one in beam] for beam in beams]


def _measure_plain(
    masks: RandomMasks, maps: RandomMaps, thresholds: NDArray[np.float64], units: int
) -> Side:
    """Measure the plain loop; return its costs and beams."""
    small = plain.encode_mask(np.array([True]))  # compile before anything is measured
    plain.iou(small, plain.merge(small, small, plain.OR))
    prepare = measure_run(partial(plain.encode, masks))
    seconds, beams, lengths = [], [], []
    for unit in range(units):
        fires = [
            (upsample(batch[:, unit], masks.mask_size).numpy() > thresholds[unit]).ravel()
            for batch in maps.batches()
        ]
        mask = plain.encode_mask(np.concatenate(fires))
        search = measure_run(partial(plain.search, prepare.result, mask))
        seconds.append(search.seconds)
        lengths.append(mask.size // 2)
        beams.append([(entry.words, entry.score) for entry in search.result])
    costs = {
        "units": units,
        "held_bytes": sum(mask.nbytes for mask in prepare.result),
        "runs": sum(mask.size // 2 for mask in prepare.result),
        "unit_runs": lengths,
        "prepare_s": prepare.seconds,
        "prepare_bytes": prepare.peak_bytes,
        "search_s_per_unit": statistics.mean(seconds),
    }
    return costs, beams


if __name__ == "__main__":
    raise SystemExit(run("composition"))
