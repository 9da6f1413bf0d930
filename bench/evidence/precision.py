"""Arithmetic of a target's forward pass, by name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


@contextmanager
def exact_convolutions(device: str) -> Iterator[None]:
    """Keep a GPU's convolutions from rounding their inputs to 10 bits (TF32), torch's own default.

    What is stored as float32 would else depend on the device that made it.
    """
    if not device.startswith("cuda"):
        yield
        return
    import torch

    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    """The context in which a network runs with a precision; what it gives is stored as float32.

    Args:
        device: Where it runs.
        precision: "float32", or "bfloat16" or "float16" for torch's automatic mixed precision.
    """
    if precision == "float32":
        return exact_convolutions(device)
    import torch

    kind = device.partition(":")[0]
    return torch.autocast(kind, dtype=getattr(torch, precision))
