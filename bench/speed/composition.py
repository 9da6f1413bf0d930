"""`python -m bench.speed.composition`: the formula search against merges of run-length masks.

Both sides are given the same masks and thresholded maps, held in memory, and search the same
candidates for the same units to the end; nothing is extrapolated. The formulas and scores of both
must be equal, or the comparison stops.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.speed.keep import OUT, keep, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bench.speed.composition_inputs import HeldMaps, HeldMasks

LEVEL = 994 / 999


def main() -> int:
    """Run the comparison, print the page, and keep it under the hardware's name."""
    options = argparse.ArgumentParser(prog="python -m bench.speed.composition", description=__doc__)
    options.add_argument("--concepts", type=int, default=1_200)
    options.add_argument("--images", type=int, default=10_000)
    options.add_argument("--units", type=int, default=4)
    options.add_argument("--plain-units", type=int, default=2, help="units for the plain loop")
    options.add_argument("--repeats", type=int, default=3, help="runs of ours; the median counts")
    options.add_argument("--out", type=Path, default=OUT, help="folder of the results")
    given = parse(options)
    if not 1 <= given.plain_units <= given.units:
        options.error("--plain-units lies in 1..--units")

    from bench.speed.composition_inputs import HeldMaps, HeldMasks, Shape
    from bench.speed.composition_page import render

    shape = Shape(given.concepts, given.images, given.units)
    masks = HeldMasks(shape)
    maps = HeldMaps(masks)
    thresholds = _thresholds(maps)
    sys.stderr.write("inputs made\n")
    ours, expected = _ours(masks, maps, thresholds, given.plain_units, given.repeats)
    sys.stderr.write(f"ours: {ours}\n")
    plain, found = _plain(masks, maps, thresholds, given.plain_units)
    sys.stderr.write(f"plain: {plain}\n")
    if found != expected:
        raise SystemExit(f"the two sides do not agree:\n{expected}\n{found}")
    measured = {
        "shape": {
            **shape.__dict__,
            "side": masks.mask_size[0],
            "labels_per_image": masks.labels_per_image(),
        },
        "repeats": given.repeats,
        "ours": ours,
        "plain": plain,
    }
    keep("composition", measured, render, device="cpu", out=given.out)
    return 0


def _thresholds(maps: HeldMaps) -> NDArray[np.float64]:
    from baselines.dissection.quantile import unit_quantiles

    return unit_quantiles(maps, LEVEL)


def _ours(
    masks: HeldMasks,
    maps: HeldMaps,
    thresholds: NDArray[np.float64],
    plain_units: int,
    repeats: int,
) -> tuple[dict[str, Any], list[list[tuple[str, float]]]]:
    """What ours costs, and the official beams of the first units."""
    import torch

    from baselines.composition.firing import count_firing
    from baselines.composition.formula import text
    from baselines.composition.units import search_units
    from baselines.compositional import Compositional

    Compositional().warm_up()
    prepare = [
        _measured(lambda: count_firing(maps, masks, thresholds), keep=False) for _ in range(repeats)
    ]
    cells, firing = count_firing(maps, masks, thresholds)
    cells.prepare()

    def timed(units: int, threads: int | None, official: bool) -> tuple[float, Any]:
        def work() -> Any:
            return search_units(cells, firing[:units], threads=threads, official_beam=official)

        runs = [_measured(work) for _ in range(repeats)]
        wall = statistics.median(run[0] for run in runs)
        return wall / units, runs[-1][2]

    same_s, beams = timed(plain_units, 1, True)
    distinct_s, _ = timed(len(firing), 1, False)
    threads_s, _ = timed(len(firing), None, False)
    names = [f"l{number}" for number in range(len(masks.labels))]
    cost = {
        "cells": len(cells),
        "labels_per_cell": len(cells.labels) / max(1, len(cells)),
        "held_bytes": cells.held_bytes,
        "firing_bytes": sum(one.cells.nbytes + one.counts.nbytes for one in firing),
        "prepare_s": statistics.median(run[0] for run in prepare),
        "prepare_bytes": max(run[1] for run in prepare),
        "same_search_s_per_unit": same_s,
        "search_s_per_unit": distinct_s,
        "search_s_per_unit_in_threads": threads_s,
        "threads": torch.get_num_threads(),
    }
    return cost, [[(text(one.formula, names), one.score) for one in beam] for beam in beams]


def _plain(
    masks: HeldMasks, maps: HeldMaps, thresholds: NDArray[np.float64], units: int
) -> tuple[dict[str, Any], list[list[tuple[str, float]]]]:
    """What the plain loop costs, and its beams."""
    from baselines.dissection.upsample import upsample
    from bench.speed import plain_composition as plain

    small = plain.encode_mask(np.array([True]))
    plain.iou(small, small)
    plain.merge(small, small, plain.OR)

    def unit_runs(unit: int) -> NDArray[np.int64]:
        fires = np.concatenate(
            [
                (upsample(batch[:, unit], masks.mask_size).numpy() > thresholds[unit]).ravel()
                for batch in maps.batches()
            ]
        )
        return plain.encode_mask(fires)

    prepare_s, prepare_bytes, runs = _measured(lambda: plain.encode(masks))
    walls, beams, lengths = [], [], []
    for unit in range(units):
        mask = unit_runs(unit)
        wall, _, beam = _measured(partial(plain.search, runs, mask))
        walls.append(wall)
        lengths.append(mask.size // 2)
        beams.append([(entry.words, entry.score) for entry in beam])
    cost = {
        "units": units,
        "held_bytes": sum(mask.nbytes for mask in runs),
        "runs": sum(mask.size // 2 for mask in runs),
        "unit_runs": lengths,
        "prepare_s": prepare_s,
        "prepare_bytes": prepare_bytes,
        "search_s_per_unit": statistics.mean(walls),
    }
    return cost, beams


def _measured(work: Callable[[], Any], *, keep: bool = True) -> tuple[float, int, Any]:
    """Wall seconds, peak bytes above what was held before, and the result."""
    import psutil

    from bench.timing import Timer

    gc.collect()
    held = int(psutil.Process().memory_info().rss)
    timer = Timer()
    with timer.phase("match"):
        result = work()
    [phase] = timer.records()
    return phase["wall_s"], max(0, int(phase["peak_host_bytes"]) - held), result if keep else None


if __name__ == "__main__":
    raise SystemExit(main())
