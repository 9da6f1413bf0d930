"""Compare Network Dissection with its plain loop, part by part and as a whole."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from baselines.base import Evidence
from baselines.dissection.quantile import unit_quantiles
from baselines.dissection.rules import grid_level
from baselines.dissection.tally import Tally, tally
from baselines.netdissect import NetDissect
from baselines.netdissect2020 import NetDissect2020
from bench.speed import page
from bench.speed.benchmarks import run
from bench.speed.dissection_inputs import RandomMaps, RandomMasks, random_maps, random_masks
from bench.speed.harness import alternate
from bench.speed.harness import measure as measure_run
from bench.speed.plain.dissection import plain_tally, plain_thresholds

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

LEVEL = grid_level(0.005)
_POOL = 200
"""Number of images in memory where only memory is measured."""

PAGE = """\
# Network Dissection on {where}

{sizes[images]:,} images, {sizes[units]:,} units, maps of {sizes[map]} x {sizes[map]}, random masks
of {sizes[mask]} x {sizes[mask]} pixels with as many labels as Broden; a unit is active in
{active_share:.1%} of the images. The plain loop resizes, compares and counts one unit of one image
after the other, and skips images in which a unit is inactive; it computes thresholds from all
activations at once. Medians of {repeats} run(s), both sides in turns; CPU seconds are those of all
threads; other load on the machine changes them less than wall seconds. Memory is the peak above
the inputs. Made on {made} by `python -m bench.speed.dissection`.

{rows_table}

`differ` counts the numbers in which the results differ; `netdissect` and `netdissect2020` are the
whole methods, from maps to tables.

Memory does not grow with the number of images (at most 200 distinct ones, repeated):

{memory_table}
"""


class Sizes(NamedTuple):
    """Sizes: images, units, and the sides of square masks and maps."""

    images: int
    units: int
    mask: int
    map: int


class Inputs(NamedTuple):
    """Evidence of one layer: maps, on the device where they are read, and masks."""

    maps: RandomMaps
    masks: RandomMasks

    def repeat(self, images: int, distinct: int | None = None) -> Inputs:
        """Return another number of images made of the first `distinct` ones of the pool."""
        return Inputs(
            RandomMaps(self.maps.pool[:distinct], images),
            RandomMasks(self.masks.pool[:distinct], images, self.masks.mask_size),
        )


def make_inputs(sizes: Sizes, device: str, seed: int = 0) -> Inputs:
    """Draw random maps and masks."""
    pool = random_maps(sizes.images, sizes.units, sizes.map, seed).to(device)
    masks = random_masks(sizes.images, sizes.mask, seed)
    side = (sizes.mask, sizes.mask)
    return Inputs(RandomMaps(pool, sizes.images), RandomMasks(masks, sizes.images, side))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `python -m bench.speed.dissection`."""
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--mask", type=int, default=112, help="side of the masks")
    parser.add_argument("--map", type=int, default=7, help="side of the maps")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")


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
    return {
        "sizes": sizes._asdict(),
        "repeats": options.repeats,
        "active_share": float((peaks > thresholds).mean()),
        "rows": rows,
        "memory": list(
            measure_memory(inputs, options.device, (options.images, 4 * options.images))
        ),
    }


def compare(inputs: Inputs, device: str, repeats: int) -> Iterator[dict[str, Any]]:
    """Yield a row for thresholds, for the tally, and for each method as a whole."""
    NetDissect().warm_up()
    maps, masks = inputs
    no_loop = {"plain_s": None, "plain_cpu_s": None, "plain_bytes": None, "differences": None}
    common = {"images": maps.n_images, **no_loop}

    def compare_part(part: str, ours: Any, plain: Any, count: Any, *inputs: Any) -> dict[str, Any]:
        works = {"ours": partial(ours, *inputs), "plain": partial(plain, *inputs)}
        runs = alternate(works, device, repeats)
        costs = runs["ours"].costs("ours") | runs["plain"].costs("plain")
        differ = count(runs["ours"].result, runs["plain"].result)
        return {"part": part, **common, **costs, "differences": differ}

    def count_unequal(ours: Any, plain: Any) -> int:
        return int((ours != plain).sum())

    yield compare_part("thresholds", unit_quantiles, plain_thresholds, count_unequal, maps, LEVEL)
    thresholds = unit_quantiles(maps, LEVEL)
    yield compare_part("tally", tally, plain_tally, count_differences, maps, masks, thresholds)
    evidence = Evidence(maps.pool.mean(dim=(2, 3)), (), maps=maps, masks=masks)
    for name, method in (("netdissect", NetDissect()), ("netdissect2020", NetDissect2020())):
        run = alternate({name: partial(method.describe, evidence, seed=0)}, device, repeats)[name]
        yield {"part": name, **common, **run.costs("ours")}


def measure_memory(inputs: Inputs, device: str, counts: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield the costs of thresholds and tally over several numbers of images of one pool."""
    for images in counts:
        maps, masks = inputs.repeat(images, _POOL)
        run = measure_run(partial(unit_quantiles, maps, LEVEL), device)
        yield {"part": "thresholds", "images": images, **run.costs("ours")}
        run = measure_run(partial(tally, maps, masks, run.result), device)
        yield {"part": "tally", "images": images, **run.costs("ours")}


def count_differences(one: Tally, other: Tally) -> int:
    """Count the numbers in which two tallies differ."""
    names = ("labels", "both", "by_category", "active")
    return sum(int(np.sum(getattr(one, name) != getattr(other, name))) for name in names)


def render(record: Mapping[str, Any]) -> str:
    """Return the page of a record."""
    rows = page.table(
        ("part", *page.COST_COLUMNS, "differ"),
        (
            (row["part"], *page.cost_cells(row), page.number(row["differences"]))
            for row in record["rows"]
        ),
    )
    memory = page.table(
        ("part", "images", "seconds", "memory"),
        (
            (
                row["part"],
                f"{row['images']:,}",
                f"{row['ours_s']:.2f}",
                page.size(row["ours_bytes"]),
            )
            for row in record["memory"]
        ),
    )
    return page.fill(PAGE, record, rows_table=rows, memory_table=memory)


if __name__ == "__main__":
    raise SystemExit(run("dissection"))
