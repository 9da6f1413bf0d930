"""Find the most expensive operations of the cell and of every method with torch's profiler."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.speed.gpu.cell import both_precisions
from bench.speed.gpu.network_files import method_overrides
from bench.speed.jobs import Setting, compose_job, make_files, run_job

if TYPE_CHECKING:
    from bench.config.compose import Job
    from bench.speed.gpu.report import Report
    from bench.speed.gpu.sizes import Sizes

SHOWN = 15
_NAME = 120
"""Longest name of an operation."""


def run(report: Report, sizes: Sizes) -> None:
    """Profile the five-layer cell in both precisions, then each method on the first network."""
    report.set_facts(images=sizes.profiled, shown=SHOWN)
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        files = make_files(
            folder, sizes.arch, sizes.encoder, images=sizes.profiled, concepts=sizes.concepts,
            masked=True,
        )  # fmt: skip
        setting = Setting(
            "clip_dissect", sizes.arch, sizes.layers, sizes.encoder, sizes.profiled,
            report.device, sizes.batch_size, os.cpu_count() or 1,
        )  # fmt: skip
        for precision in both_precisions(report.device):
            job = compose_job(files, replace(setting, precision=precision), folder / "cell")
            report.add_row(f"cell {precision}", partial(_profile, job, report.device))
        for method, more in method_overrides(folder, sizes).items():
            cell = replace(setting, method=method, layers=sizes.method_layers, more=more)
            job = compose_job(files, cell, folder / "methods")
            report.add_row(method, partial(_profile, job, report.device))


def _profile(job: Job, device: str) -> dict[str, Any]:
    """Run a job under torch's profiler.

    Returns:
        {"operations": [{name, calls, ms, share}], "total_ms"}: kernels and copies on a GPU, torch's
        operators on a CPU; shares are of the device's busy time.
    """
    from torch.profiler import ProfilerActivity, profile

    on_gpu = device.startswith("cuda")
    with profile(
        activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]
    ) as profiler:
        run_job(job)
    column = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    rows = [(event.key, event.count, getattr(event, column)) for event in profiler.key_averages()]
    total = sum(row[2] for row in rows)
    rows.sort(key=lambda row: -row[2])
    operations = [
        {
            "name": name[:_NAME],
            "calls": calls,
            "ms": microseconds / 1000,
            "share": microseconds / total if total else 0.0,
        }
        for name, calls, microseconds in rows[:SHOWN]
    ]
    return {"total_ms": total / 1000, "operations": operations}
