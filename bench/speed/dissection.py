"""Compare Network Dissection with its plain loop, part by part and as a whole."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from baselines.base import Evidence
from baselines.dissection.quantile import unit_quantiles
from baselines.dissection.rules import grid_level
from baselines.dissection.tally import Tally, tally
from baselines.netdissect import NetDissect
from baselines.netdissect2020 import NetDissect2020
from bench.speed.benchmarks import run
from bench.speed.harness import alternate, costs
from bench.speed.maps_and_masks import (
    BRODEN_LABELS,
    RandomMaps,
    RandomMasks,
    random_maps,
    random_masks,
)
from bench.speed.plain.dissection import plain_tally, plain_thresholds

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from numpy.typing import NDArray

LEVEL = grid_level(0.005)
_POOL = 200
"""Number of images in memory where only memory is measured."""


class Sizes(NamedTuple):
    """Sizes: images, units, and the sides of square masks and maps."""

    images: int = 1_000
    units: int = 512
    mask: int = 112
    map: int = 7


OPTIONS = {**Sizes()._asdict(), "device": "cpu"}


class Inputs(NamedTuple):
    """Evidence of one layer: maps, on the device where they are read, and masks."""

    maps: RandomMaps
    masks: RandomMasks

    def repeat(self, images: int, distinct: int | None = None) -> Inputs:
        """Return another number of images made of the first `distinct` ones of the pool."""
        masks = replace(self.masks, planes=self.masks.planes[:distinct], n_images=images)
        return Inputs(RandomMaps(self.maps.pool[:distinct], images), masks)


def make_inputs(sizes: Sizes, device: str, seed: int = 0) -> Inputs:
    """Draw random maps and masks."""
    maps = random_maps(sizes.images, sizes.units, sizes.map, seed)
    masks = random_masks(BRODEN_LABELS, sizes.images, sizes.mask, seed)
    return Inputs(replace(maps, pool=maps.pool.to(device)), masks)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure thresholds, tally and both methods, then memory over more images."""
    sizes = Sizes(options.images, options.units, options.mask, options.map)
    inputs = make_inputs(sizes, options.device)
    rows = []
    for row in compare(inputs, options.device, options.repeats):
        rows.append(row)
        sys.stderr.write(f"{row['part']}: {row['ours_s']:.2f} s\n")
    thresholds = unit_quantiles(inputs.maps, LEVEL)
    peaks = inputs.maps.pool.amax(dim=(2, 3)).cpu().numpy()
    memory: list[dict[str, Any]] = []
    for images in (options.images, 4 * options.images):
        memory += measure_memory(inputs.repeat(images, _POOL), options.device)
    return {
        "sizes": sizes._asdict(),
        "active_share": float((peaks > thresholds).mean()),
        "rows": rows,
        "memory": memory,
    }


def compare(inputs: Inputs, device: str, repeats: int) -> Iterator[dict[str, Any]]:
    """Yield a row for thresholds, for the tally, and for each method as a whole."""
    NetDissect().warm_up()
    maps, masks = inputs
    no_loop = dict.fromkeys(("plain_s", "plain_cpu_s", "plain_bytes", "differences"))
    common = {"images": maps.n_images, **no_loop}
    thresholds = unit_quantiles(maps, LEVEL)
    evidence = Evidence(maps.pool.mean(dim=(2, 3)), (), maps=maps, masks=masks)
    works: dict[str, dict[str, Any]] = {
        "thresholds": {
            "ours": partial(unit_quantiles, maps, LEVEL),
            "plain": partial(plain_thresholds, maps, LEVEL),
        },
        "tally": {
            "ours": partial(tally, maps, masks, thresholds),
            "plain": partial(plain_tally, maps, masks, thresholds),
        },
        "netdissect": {"ours": partial(NetDissect().describe, evidence, seed=0)},
        "netdissect2020": {"ours": partial(NetDissect2020().describe, evidence, seed=0)},
    }
    for part, sides in works.items():
        runs = alternate(sides, device, repeats)
        row = {"part": part, **common, **costs(runs)}
        if "plain" in runs:
            row["differences"] = count_differences(runs["ours"].result, runs["plain"].result)
        yield row


def measure_memory(inputs: Inputs, device: str) -> Iterator[dict[str, Any]]:
    """Yield the costs of thresholds and tally."""
    maps, masks = inputs
    thresholds = alternate({"ours": partial(unit_quantiles, maps, LEVEL)}, device)
    yield {"part": "thresholds", "images": maps.n_images, **costs(thresholds)}
    counts = alternate({"ours": partial(tally, maps, masks, thresholds["ours"].result)}, device)
    yield {"part": "tally", "images": maps.n_images, **costs(counts)}


def count_differences(one: Tally | NDArray[Any], other: Tally | NDArray[Any]) -> int:
    """Count the numbers in which two tallies, or two arrays, differ."""
    return int(np.sum(count_array(one) != count_array(other)))


def count_array(counts: Tally | NDArray[Any]) -> NDArray[Any]:
    """Return all numbers of a tally in one dimension."""
    if not isinstance(counts, Tally):
        return counts
    parts = (counts.labels, counts.both, counts.by_category, counts.active)
    return np.concatenate([part.ravel() for part in parts])


if __name__ == "__main__":
    raise SystemExit(run("dissection"))
