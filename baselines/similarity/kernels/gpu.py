"""What the loops for GPUs need to know of the device that they run on."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch

_SCRATCH = 2**30
"""Most bytes of temporary memory on a GPU that a block or tile of scores is meant to take."""


def has_kernels(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the Triton loops run on this device and read these scores."""
    known = dtype in (torch.float32, torch.float16, torch.bfloat16)
    return known and device.type == "cuda" and _has_triton()


def scratch_bytes(device: torch.device) -> int:
    """How much temporary memory to use: 1 GiB, less on a device with little of it left."""
    if device.type != "cuda":
        return _SCRATCH
    free, _ = torch.cuda.mem_get_info(device)
    return min(_SCRATCH, free // 4)


def on_device(device: torch.device) -> AbstractContextManager[Any]:
    """Make it the current device, which is where Triton starts its programs."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@cache
def _has_triton() -> bool:
    """Whether Triton can be imported: it comes with torch's CUDA builds for Linux alone."""
    try:
        import triton  # noqa: F401
    except ImportError:
        return False
    return True
