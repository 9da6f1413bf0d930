"""Measure work: medians of seconds and the peak memory, over runs in alternation."""

from __future__ import annotations

import ctypes
import gc
import time
from ctypes.util import find_library
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

import psutil
import torch

from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Work = Callable[[], Any]


@dataclass(frozen=True)
class Run:
    """Cost of one piece of work, and its result."""

    seconds: float  # on a GPU, those between two CUDA events
    cpu_s: float  # of all threads; other work on the machine adds less to them than to `seconds`
    peak_bytes: int  # above the memory in use before
    result: Any


def costs(runs: Mapping[str, Run]) -> dict[str, float]:
    """Return the columns of a row: `<side>_s`, `<side>_cpu_s` and `<side>_bytes` of each side."""
    columns: dict[str, float] = {}
    for side, run in runs.items():
        columns |= {f"{side}_s": run.seconds, f"{side}_cpu_s": run.cpu_s}
        columns[f"{side}_bytes"] = run.peak_bytes
    return columns


def measure(work: Work, device: str = "cpu") -> Run:
    """Run work once and measure it."""
    on_gpu = device.startswith("cuda")
    _release_memory()
    rss = psutil.Process().memory_info().rss
    before = torch.cuda.memory_allocated(device) if on_gpu else rss
    with Timer(device).phase("match") as phase:
        start = time.process_time()
        result = work()
        cpu_s = time.process_time() - start
    seconds = phase.device_s if on_gpu else phase.wall_s
    peak = phase.peak_device_bytes if on_gpu else phase.peak_host_bytes
    return Run(seconds or 0.0, cpu_s, max(0, (peak or 0) - before), result)


def alternate(works: Mapping[str, Work], device: str = "cpu", repeats: int = 1) -> dict[str, Run]:
    """Measure several pieces of work in turns, so that other load on the machine hits all alike.

    On a GPU each runs once before, to warm up.

    Returns:
        By name the medians of the seconds, the largest peak, and the result of the last run.
    """
    if device.startswith("cuda"):
        for work in works.values():
            work()
    runs: dict[str, list[Run]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            # Drop the earlier result: two may not fit into memory.
            runs[name] = [Run(run.seconds, run.cpu_s, run.peak_bytes, None) for run in runs[name]]
            runs[name].append(measure(work, device))
    return {
        name: Run(
            median(run.seconds for run in each), median(run.cpu_s for run in each),
            max(run.peak_bytes for run in each), each[-1].result,
        )
        for name, each in runs.items()
    }  # fmt: skip


def measure_rates(device: str, numbers: int = 2**26) -> dict[str, float]:
    """Measure the limits of a machine: the best of three runs after one to warm up.

    Args:
        device: "cpu" or a CUDA device.
        numbers: Length of the arrays that are copied; they must exceed all caches.

    Returns:
        Copies of memory in GB/s, float32 products in GFLOP/s, exp and log in 1e9/s.
    """
    side = 8192 if device.startswith("cuda") else 2048  # smaller products do not fill a GPU
    square = torch.rand(side, side, device=device)
    small = torch.rand(2**18, dtype=torch.float64, device=device)
    large = torch.rand(numbers, device=device)
    target = torch.empty_like(large)

    def best(work: Work) -> float:
        return min([measure(work, device).seconds for _ in range(4)][1:])

    return {
        "copy_gb_per_s": 8 * large.numel() / 1e9 / best(lambda: target.copy_(large)),
        "matmul_gflop_per_s": 2 * side**3 / 1e9 / best(lambda: square @ square),
        "exp_float64_g_per_s": small.numel() / 1e9 / best(lambda: torch.exp(small)),
        "log_float32_g_per_s": large.numel() / 1e9 / best(lambda: torch.log(large)),
    }


def _release_memory() -> None:
    """Return freed memory to the system, so that the next peak counts all that is used."""
    gc.collect()
    if (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    """Return the C library's `malloc_trim`, or None; to find the library takes other programs."""
    library = find_library("c")
    return getattr(ctypes.CDLL(library), "malloc_trim", None) if library else None
