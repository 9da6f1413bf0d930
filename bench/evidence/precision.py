"""Arithmetic of a target's forward pass, by name."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    """The context in which a network runs with a precision; what it gives is stored as float32.

    Args:
        device: Where it runs.
        precision: "float32", or "bfloat16" or "float16" for torch's automatic mixed precision.
    """
    if precision == "float32":
        return nullcontext()
    import torch

    kind = device.partition(":")[0]
    return torch.autocast(kind, dtype=getattr(torch, precision))
