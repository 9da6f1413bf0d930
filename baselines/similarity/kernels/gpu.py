"""Properties of the device for the loops on GPUs."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch

log = logging.getLogger(__name__)

_SCRATCH = 2**30
"""Largest temporary memory of a block or tile of scores on a GPU, in bytes."""


def has_kernels(device: torch.device, dtype: torch.dtype) -> bool:
    """Return whether the Triton loops run on this device and read these scores."""
    if device.type != "cuda" or dtype not in (torch.float32, torch.float16, torch.bfloat16):
        return False
    return torch.cuda.get_device_capability(device) >= (7, 0) and _has_triton()


def scratch_bytes(device: torch.device) -> int:
    """Return how much temporary memory to use: 1 GiB, or less if the device has little left."""
    if device.type != "cuda":
        return _SCRATCH
    return min(_SCRATCH, free_bytes(device) // 4)


def free_bytes(device: torch.device | str) -> int:
    """Return the memory of a GPU that tensors may take, torch's cached blocks included."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def on_device(device: torch.device) -> AbstractContextManager[Any]:
    """Make it the current device, on which Triton starts its programs."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@cache
def _has_triton() -> bool:
    """Return whether Triton can be imported and finds a compiler and driver.

    It is part of torch's CUDA builds for Linux only.
    """
    try:
        import triton

        triton.runtime.driver.active.get_current_target()
    except Exception as error:  # many types: missing compilers, drivers, permissions
        log.warning("Triton is not available, using slower tensor operations: %s", error)
        return False
    return True
