"""Network Dissection against its plain loop, part by part and as a whole."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.base import Evidence
from baselines.dissection.quantile import unit_quantiles
from baselines.dissection.rules import grid_level
from baselines.dissection.tally import Tally, tally
from baselines.netdissect import NetDissect
from baselines.netdissect2020 import NetDissect2020
from bench.speed.dissection_inputs import RandomMaps, RandomMasks, random_maps, random_masks
from bench.speed.memory import held, release
from bench.speed.plain_dissection import plain_tally, plain_thresholds
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LEVEL = grid_level(0.005)
_POOL = 200  # images in memory where only memory is measured


@dataclass(frozen=True)
class Sizes:
    """Sizes of a comparison: N images, U units, square masks and maps by their sides."""

    images: int
    units: int
    mask: int
    map: int


@dataclass(frozen=True)
class Row:
    """One part's cost.

    Attributes:
        part: Which one.
        images: Over how many images.
        ours_s: Median wall seconds of ours.
        ours_cpu_s: Median seconds that all its threads worked: these hold where other work
            shares the machine.
        ours_bytes: Peak memory of ours above that of the inputs.
        plain_s: Median wall seconds of the plain loop; None where there is none.
        plain_cpu_s: The same of the plain loop.
        plain_bytes: The same of the plain loop.
        differences: Numbers in which the two results differ.
    """

    part: str
    images: int
    ours_s: float
    ours_cpu_s: float
    ours_bytes: int
    plain_s: float | None = None
    plain_cpu_s: float | None = None
    plain_bytes: int | None = None
    differences: int | None = None

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Inputs:
    """One layer's evidence.

    Attributes:
        maps: The maps.
        masks: The masks.
        device: Where the maps lie.
    """

    maps: RandomMaps
    masks: RandomMasks
    device: str

    def of(self, images: int) -> Inputs:
        """The same pool gone through for another number of images."""
        masks = RandomMasks(self.masks.pool, images, self.masks.mask_size)
        return Inputs(RandomMaps(self.maps.pool, images), masks, self.device)


def make_inputs(sizes: Sizes, device: str, seed: int = 0) -> Inputs:
    """Random evidence."""
    pool = random_maps(sizes.images, sizes.units, sizes.map, seed).to(device)
    masks = random_masks(sizes.images, sizes.mask, seed)
    return Inputs(
        RandomMaps(pool, sizes.images),
        RandomMasks(masks, sizes.images, (sizes.mask, sizes.mask)),
        device,
    )


def compare(inputs: Inputs, repeats: int) -> Iterator[Row]:
    """Thresholds and tally, ours and plain in turns, then both methods as wholes.

    Args:
        inputs: The evidence.
        repeats: Runs of each; the median counts.
    """
    NetDissect().warm_up()
    maps, masks, images = inputs.maps, inputs.masks, inputs.maps.n_images
    ours, plain = _in_turns(
        partial(unit_quantiles, maps, LEVEL),
        partial(plain_thresholds, maps, LEVEL),
        inputs,
        repeats,
    )
    thresholds = ours.result
    odd = int((thresholds != plain.result).sum())
    yield Row("thresholds", images, *ours.costs, *plain.costs, odd)
    ours, plain = _in_turns(
        partial(tally, maps, masks, thresholds),
        partial(plain_tally, maps, masks, thresholds),
        inputs,
        repeats,
    )
    odd = differences(ours.result, plain.result)
    yield Row("tally", images, *ours.costs, *plain.costs, odd)
    pooled = maps.pool.mean(dim=(2, 3))
    evidence = Evidence(pooled, (), maps=maps, masks=masks)
    for name, method in (("netdissect", NetDissect()), ("netdissect2020", NetDissect2020())):
        runs = [
            measured(partial(method.describe, evidence, seed=0), inputs.device)
            for _ in range(repeats)
        ]
        yield Row(name, images, *_median(runs).costs)


def memory(inputs: Inputs, counts: Sequence[int]) -> Iterator[Row]:
    """Thresholds and tally over several numbers of images, from a pool that stays the same.

    Args:
        inputs: The evidence.
        counts: Numbers of images.
    """
    small = Inputs(
        RandomMaps(inputs.maps.pool[:_POOL], _POOL),
        RandomMasks(inputs.masks.pool[:_POOL], _POOL, inputs.masks.mask_size),
        inputs.device,
    )
    for images in counts:
        given = small.of(images)
        found = measured(partial(unit_quantiles, given.maps, LEVEL), inputs.device)
        yield Row("thresholds", images, *found.costs)
        work = partial(tally, given.maps, given.masks, found.result)
        yield Row("tally", images, *measured(work, inputs.device).costs)


def active_share(inputs: Inputs) -> float:
    """Share of images and units in which the unit exceeds its threshold."""
    thresholds = unit_quantiles(inputs.maps, LEVEL)
    peaks = inputs.maps.pool.amax(dim=(2, 3)).cpu().numpy()
    return float((peaks > thresholds).mean())


def differences(one: Tally, other: Tally) -> int:
    """In how many numbers two tallies differ."""
    names = ("labels", "both", "by_category", "active")
    return sum(int(np.sum(getattr(one, name) != getattr(other, name))) for name in names)


@dataclass(frozen=True)
class Run:
    """What a piece of work cost, and gave.

    Attributes:
        costs: Wall seconds, seconds of all threads, peak bytes above what was held before.
        result: What it returned.
    """

    costs: tuple[float, float, int]
    result: Any


def measured(work: Callable[[], Any], device: str) -> Run:
    """Run it once."""
    release()
    before = held(device)
    timer = Timer(device)
    with timer.phase("match"):
        start = time.process_time()
        result = work()
        worked = time.process_time() - start
    [phase] = timer.records()
    at = "peak_device_bytes" if timer.on_device else "peak_host_bytes"
    return Run((float(phase["wall_s"]), worked, int(phase[at]) - before), result)


def _in_turns(
    ours: Callable[[], Any], plain: Callable[[], Any], inputs: Inputs, repeats: int
) -> tuple[Run, Run]:
    """Both sides alternate, as other work on the machine comes and goes."""
    ours_runs, plain_runs = [], []
    for _ in range(repeats):
        ours_runs.append(measured(ours, inputs.device))
        plain_runs.append(measured(plain, inputs.device))
    return _median(ours_runs), _median(plain_runs)


def _median(runs: Sequence[Run]) -> Run:
    wall, worked, size = zip(*(run.costs for run in runs), strict=True)
    costs = statistics.median(wall), statistics.median(worked), max(size)
    return Run(costs, runs[-1].result)
