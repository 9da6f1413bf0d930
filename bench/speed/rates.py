"""What this machine can do at most: the rates that bound any implementation."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_REPEATS = 3


def measure_rates(device: str, numbers: int = 2**26) -> dict[str, float]:
    """Best of three: memory in GB/s, float32 products in GFLOP/s, exp and log in 1e9/s.

    Args:
        device: "cpu" or a CUDA device.
        numbers: Of the arrays that are copied; more than any cache holds.
    """
    side = 8192 if device.startswith("cuda") else 2048  # a GPU is not full below
    square = torch.rand(side, side, device=device)
    small = torch.rand(2**18, dtype=torch.float64, device=device)
    large = torch.rand(numbers, device=device)
    target = torch.empty_like(large)
    return {
        "copy_gb_per_s": 8 * large.numel() / 1e9 / _best(lambda: target.copy_(large), device),
        "matmul_gflop_per_s": 2 * side**3 / 1e9 / _best(lambda: square @ square, device),
        "exp_float64_g_per_s": small.numel() / 1e9 / _best(lambda: torch.exp(small), device),
        "log_float32_g_per_s": large.numel() / 1e9 / _best(lambda: torch.log(large), device),
    }


def _best(work: Callable[[], object], device: str) -> float:
    times = []
    for _ in range(_REPEATS + 1):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
