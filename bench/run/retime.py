"""Time a finished cell again on this machine, without changing its labels and scores."""

from __future__ import annotations

import logging
import statistics
import tempfile
from typing import TYPE_CHECKING, Any

from bench.environment import hardware
from bench.evidence import Store
from bench.networks.precision import set_precision
from bench.run.device import resolve_device
from bench.run.results import append_timing
from bench.run.shared import gather_shared, warm_up
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.run.plan import Cell, JobPlan

log = logging.getLogger("bench.run")


def time_again(plan: JobPlan, cell: Cell) -> None:
    """Run a cell `runtime.repeats` times, each from an empty cache, and record the medians."""
    runs = []
    for _ in range(plan.job.config.runtime.repeats):
        with tempfile.TemporaryDirectory(prefix="dissectbench-") as folder:
            runs.append(_run_once(plan, cell, folder))
    device, units = resolve_device(plan.job.config), int(runs[0][-1]["items"])
    append_timing(
        cell.folder,
        {
            "hardware": hardware(device),
            "device": device,
            "repeats": len(runs),
            "units": units,
            "phases": combine(runs),
            "evidence_cost": [],
        },
    )
    log.info("timed %d times: %s", len(runs), cell.folder)


def _run_once(plan: JobPlan, cell: Cell, cache: str) -> list[dict[str, Any]]:
    config = plan.job.config
    timer = Timer(resolve_device(config))
    warm_up(plan.selection, timer)
    shared = gather_shared(plan, [cell.layer], Store(cache), timer)
    evidence = shared.evidence(cell.layer)
    with timer.phase("match", items=shared.units(cell.layer)), set_precision(timer.device):
        plan.selection.method.describe(evidence, seed=config.seed)
    return timer.records()


def combine(runs: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Combine the phases of several runs of one cell: median times, largest memory.

    Args:
        runs: The phases of each run, in one order.

    Returns:
        Phases as of a single run, with `wall_min_s` and `wall_max_s` beside the median.
    """
    combined = []
    for phases in zip(*runs, strict=True):
        walls = [phase["wall_s"] for phase in phases]
        devices = [p["device_s"] for p in phases if p["device_s"] is not None]
        peaks = {
            name: max((p[name] for p in phases if p[name] is not None), default=None)
            for name in ("peak_device_bytes", "peak_host_bytes")
        }
        combined.append(
            {
                **phases[0],
                "wall_s": statistics.median(walls),
                "wall_min_s": min(walls),
                "wall_max_s": max(walls),
                "device_s": statistics.median(devices) if devices else None,
                **peaks,
            }
        )
    return combined
