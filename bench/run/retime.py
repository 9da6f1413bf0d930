"""Time a finished cell again on this machine, without changing its labels and scores."""

from __future__ import annotations

import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from bench.config.compose import Job
from bench.evidence import Store
from bench.networks.precision import set_precision
from bench.offline import offline
from bench.run.device import resolve_device
from bench.run.log import job_log
from bench.run.plan import plan_job
from bench.run.results import append_timing
from bench.run.shared import gather_shared, warm_up
from bench.run.timed_run import describe_timing, earlier_cells
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.run.plan import Cell, JobPlan

log = logging.getLogger("bench.run")


def time_again(plan: JobPlan, cell: Cell) -> None:
    """Run a cell `runtime.repeats` times, each from an empty cache, and record the medians.

    A process that has run other cells starts a new one for it, since it holds their memory.

    Raises:
        RuntimeError: The new process failed.
    """
    if earlier_cells():
        _time_in_new_process(plan, cell)
        return
    runs = []
    for _ in range(plan.job.config.runtime.repeats):
        with tempfile.TemporaryDirectory(prefix="dissectbench-") as folder:
            runs.append(_run_once(plan, cell, folder))
    device, units = resolve_device(plan.job.config), int(runs[0][-1]["items"])
    timing = describe_timing(device, units=units, phases=combine(runs), repeats=len(runs))
    append_timing(cell.folder, timing)
    log.info("timed %d times: %s", len(runs), cell.folder)


def _time_in_new_process(plan: JobPlan, cell: Cell) -> None:
    command = [sys.executable, "-P", "-c", "from bench.run.retime import main; main()"]
    done = subprocess.run(  # noqa: S603  (our own code)
        command,
        input=json.dumps({"job": plan.job.to_json(), "layer": cell.layer}),
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the process that timed the cell failed, code {done.returncode}")


def main() -> None:
    """Time the cell that standard input describes; the new process of `time_again`."""
    given = json.load(sys.stdin)
    job = Job.from_json(given["job"])
    with offline(job.config.runtime.offline), job_log():
        plan = plan_job(job)
        [cell] = [cell for cell in plan.cells if cell.layer == given["layer"]]
        time_again(plan, cell)


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
