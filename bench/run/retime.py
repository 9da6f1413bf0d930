"""Time a finished cell again on this machine; its labels and scores stay as they are."""

from __future__ import annotations

import logging
import statistics
import tempfile
from typing import TYPE_CHECKING, Any

from bench.environment import hardware
from bench.evidence import Store
from bench.networks.precision import set_precision
from bench.run.device import resolve_device
from bench.run.shared import gather_shared, warm_up
from bench.timing import Timer
from leaderboards.storage import append_timing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.run.plan import Cell, PlannedJob

log = logging.getLogger("bench.run")


def time_again(planned: PlannedJob, cell: Cell) -> None:
    """Run a cell `runtime.repeats` times, each from an empty cache, and add the medians to it."""
    runs = []
    for _ in range(planned.job.config.runtime.repeats):
        with tempfile.TemporaryDirectory(prefix="dissectbench-") as folder:
            runs.append(_run_once(planned, cell, folder))
    device, units = resolve_device(planned.job.config), int(runs[0][-1]["items"])
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


def _run_once(planned: PlannedJob, cell: Cell, cache: str) -> list[dict[str, Any]]:
    config = planned.job.config
    timer = Timer(resolve_device(config))
    warm_up(planned.parts, timer)
    shared = gather_shared(planned, [cell.layer], Store(cache), timer)
    evidence = shared.evidence(cell.layer)
    with timer.phase("match", items=shared.units(cell.layer)), set_precision(timer.device):
        planned.parts.method.describe(evidence, seed=config.seed)
    return timer.records()


def combine(runs: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Phases of several runs of one cell as one list: median times, greatest memory.

    Args:
        runs: The phases of each run, in one order.

    Returns:
        Phases as a single run's, with `wall_min_s` and `wall_max_s` beside the median.
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
