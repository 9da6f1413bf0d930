"""Compare the search for formulas with merges of run-length masks.

Both sides get the same masks and thresholded maps, in memory, and search the same candidates for
the same units to the end; nothing is extrapolated. The benchmark fails unless the formulas and
scores of both sides are equal.
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
from bench.speed import page
from bench.speed.benchmarks import run
from bench.speed.composition_inputs import MapsInMemory, MasksInMemory, Shape
from bench.speed.harness import alternate
from bench.speed.harness import measure as measure_run
from bench.speed.plain import composition as plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from numpy.typing import NDArray

Beams = list[list[tuple[str, float]]]
"""Formulas and scores of each unit's beam."""

LEVEL = 994 / 999

PAGE = """\
# Compositional explanations on {where}

{shape[concepts]:,} concepts on {shape[images]:,} images with masks of {shape[side]} x
{shape[side]}, {shape[labels_per_image]:.1f} labels per image, made up with as many planes and
regions as Broden's images have. The plain loop stores masks as runs of pixels, and merges them for
each formula of the beam, concept and operator (compiled, on one thread). Ours stores the sizes of
the distinct label sets, here {ours[cells]:,}, and scores all concepts in one pass over them. Both
searched the same {plain[units]} unit(s) to the end, with the published rule for the beam (5
formulas, at most 3 labels), and found the same formulas and scores, bit by bit. Medians of
{repeats} run(s) of ours, one run of the plain loop. Made on {made} by `python -m
bench.speed.composition`.

{rows_table}

With its own rule (distinct masks in the beam) ours takes {ours[search_s_per_unit]:.4f} s per unit
on one thread, over {shape[units]} units, and {ours[search_s_per_unit_in_threads]:.4f} s on
{ours[threads]}. One bit per concept and pixel would take {bits}; the plain loop has
{plain[runs]:,} runs.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `python -m bench.speed.composition`."""
    parser.add_argument("--concepts", type=int, default=1_200)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=4)
    parser.add_argument("--plain-units", type=int, default=2, help="units for the plain loop")
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours; the median counts")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure both sides; raise UserError if their formulas or scores differ."""
    units = options.plain_units
    if units > options.units:
        raise UserError(f"{units} exceeds --units {options.units}", where="--plain-units")
    shape = Shape(options.concepts, options.images, options.units)
    masks = MasksInMemory(shape)
    maps = MapsInMemory(masks)
    thresholds = unit_quantiles(maps, LEVEL)
    ours, expected = _measure_ours(masks, maps, thresholds, units, options.repeats)
    sys.stderr.write(f"ours: {ours}\n")
    loop, found = _measure_plain(masks, maps, thresholds, units)
    sys.stderr.write(f"plain: {loop}\n")
    if found != expected:
        raise UserError(f"the results of the two sides differ:\n{expected}\n{found}")
    sizes = {"side": masks.mask_size[0], "labels_per_image": masks.labels_per_image()}
    return {
        "shape": {**shape._asdict(), **sizes},
        "repeats": options.repeats,
        "ours": ours,
        "plain": loop,
    }


def _measure_ours(
    masks: MasksInMemory,
    maps: MapsInMemory,
    thresholds: NDArray[np.float64],
    plain_units: int,
    repeats: int,
) -> tuple[dict[str, Any], Beams]:
    """Measure our search; return its costs and the beams of the first units."""
    Compositional().warm_up()
    counting = partial(count_firing, maps, masks, thresholds)
    prepare = alternate({"prepare": counting}, repeats=repeats)["prepare"]
    cells, firing = prepare.result
    cells.prepare()
    search = partial(search_units, cells)
    few = firing[:plain_units]
    runs = alternate(
        {
            "official": partial(search, few, threads=1, official_beam=True),
            "own": partial(search, firing, threads=1, official_beam=False),
            "threads": partial(search, firing, threads=None, official_beam=False),
        },
        repeats=repeats,
    )
    names = [f"l{number}" for number in range(len(masks.labels))]
    costs = {
        "cells": len(cells),
        "labels_per_cell": len(cells.labels) / max(1, len(cells)),
        "held_bytes": cells.held_bytes,
        "firing_bytes": sum(unit.cells.nbytes + unit.counts.nbytes for unit in firing),
        "prepare_s": prepare.seconds,
        "prepare_bytes": prepare.peak_bytes,
        "same_search_s_per_unit": runs["official"].seconds / len(few),
        "search_s_per_unit": runs["own"].seconds / len(firing),
        "search_s_per_unit_in_threads": runs["threads"].seconds / len(firing),
        "threads": torch.get_num_threads(),
    }
    beams = runs["official"].result
    return costs, [[(text(one.formula, names), one.score) for one in beam] for beam in beams]


def _measure_plain(
    masks: MasksInMemory, maps: MapsInMemory, thresholds: NDArray[np.float64], units: int
) -> tuple[dict[str, Any], Beams]:
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


def render(record: Mapping[str, Any]) -> str:
    """Return the page of a record."""
    ours, loop, shape = record["ours"], record["plain"], record["shape"]
    searches = loop["search_s_per_unit"], ours["same_search_s_per_unit"]
    sizes = loop["held_bytes"], ours["held_bytes"]
    pixels = f"{ours['prepare_s']:.1f} (with the pixels of {shape['units']} units)"
    rows = (
        ("search, seconds per unit, one thread", f"{searches[0]:.1f}", f"{searches[1]:.4f}",
         f"**{searches[0] / searches[1]:,.0f}x**"),
        ("masks in memory", *(page.size(size, 1) for size in sizes),
         f"{sizes[0] / sizes[1]:.0f}x"),
        ("preparing the masks, seconds, once for all units", f"{loop['prepare_s']:.1f}", pixels,
         ""),
        ("peak memory meanwhile, above the inputs",
         *(page.size(side["prepare_bytes"], 1) for side in (loop, ours)), ""),
    )  # fmt: skip
    bits = page.size(shape["concepts"] * shape["images"] * shape["side"] ** 2 // 8)
    rows_table = page.table(("", "plain loop", "ours", "ratio"), rows)
    return page.fill(PAGE, record, rows_table=rows_table, bits=bits)


if __name__ == "__main__":
    raise SystemExit(run("composition"))
