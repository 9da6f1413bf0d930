"""Where a GPU's time goes: the most expensive operations of the cell and of every method."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.speed.cell_job import Setting, compose_job, make_files, run_job
from bench.speed.gpu.cell import both_precisions
from bench.speed.gpu.network_files import method_overrides

if TYPE_CHECKING:
    from bench.config.compose import Job
    from bench.speed.gpu.sheet import Sheet
    from bench.speed.gpu.sizes import Sizes

SHOWN = 15
_NAME = 120


def run(sheet: Sheet, sizes: Sizes) -> None:
    """Profile the five-layer cell in both precisions, then each method on the first network."""
    sheet.say(images=sizes.profiled, shown=SHOWN)
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        files = make_files(
            folder, sizes.arch, sizes.encoder, images=sizes.profiled, concepts=sizes.concepts,
            masked=True,
        )  # fmt: skip
        setting = Setting(
            "clip_dissect", sizes.arch, sizes.layers, sizes.encoder, sizes.profiled,
            sheet.device, sizes.batch_size, os.cpu_count() or 1,
        )  # fmt: skip
        for precision in both_precisions(sheet.device):
            cell = dataclasses.replace(setting, precision=precision)
            job = compose_job(files, cell, folder / "cell")
            sheet.row(f"cell {precision}", partial(_profiled, job, sheet.device))
        for method, more in method_overrides(folder, sizes).items():
            cell = dataclasses.replace(
                setting, method=method, layers=sizes.method_layers, more=more
            )
            job = compose_job(files, cell, folder / "methods")
            sheet.row(method, partial(_profiled, job, sheet.device))


def _profiled(job: Job, device: str) -> dict[str, Any]:
    """Run a job under torch's profiler.

    Returns:
        {"operations": [{name, calls, ms, share}], "total_ms"}: kernels and copies on a GPU, torch's
        own operators on a CPU; shares are of the device's busy time.
    """
    from torch.profiler import ProfilerActivity, profile

    on_gpu = device.startswith("cuda")
    with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as found:
        run_job(job)
    rows = [
        (
            event.key,
            event.count,
            event.self_device_time_total if on_gpu else event.self_cpu_time_total,
        )
        for event in found.key_averages()
    ]
    total = sum(row[2] for row in rows)
    rows.sort(key=lambda row: -row[2])
    return {
        "total_ms": total / 1000,
        "operations": [
            {
                "name": name[:_NAME],
                "calls": calls,
                "ms": spent / 1000,
                "share": spent / total if total else 0.0,
            }
            for name, calls, spent in rows[:SHOWN]
        ],
    }
