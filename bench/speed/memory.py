"""Memory of this process, for comparisons."""

from __future__ import annotations

import ctypes
import gc
from ctypes.util import find_library

import psutil
import torch


def release() -> None:
    """Give freed memory back to the system, so that what one side held is not lent to the other."""
    gc.collect()
    library = find_library("c")
    trim = getattr(ctypes.CDLL(library), "malloc_trim", None) if library else None
    if trim is not None:
        trim(0)


def held(device: str) -> int:
    """Bytes that tensors hold on a CUDA device, or that this process holds."""
    if device.startswith("cuda"):
        return int(torch.cuda.memory_allocated(device))
    return int(psutil.Process().memory_info().rss)
