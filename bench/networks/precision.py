"""Precision of a network's forward pass."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


@contextmanager
def set_precision(device: str, precision: str = "float32", *, tf32: bool = False) -> Iterator[None]:
    """Set the precision of what runs inside; results are stored as float32 in any case.

    Args:
        device: Where it runs.
        precision: "float32", or "bfloat16" or "float16" for torch's automatic mixed precision.
        tf32: Let a GPU round the inputs of float32 matrix products and convolutions to 10 bits.
            PyTorch allows it for convolutions by default; values would then depend on the device.
    """
    mixed: AbstractContextManager[Any] = nullcontext()
    if precision != "float32":
        import torch

        mixed = torch.autocast(device.partition(":")[0], dtype=getattr(torch, precision))
    with _tf32(device, allowed=tf32), mixed:
        yield


@contextmanager
def _tf32(device: str, *, allowed: bool) -> Iterator[None]:
    """Set TF32 of matrix products and convolutions; restore both at the end."""
    if not device.startswith("cuda"):
        yield
        return
    import torch

    products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.allow_tf32 = convolutions


def key_part(*, tf32: bool) -> dict[str, bool]:
    """Return the part of a cache key about TF32: nothing where it is off, as in older keys."""
    return {"tf32": True} if tf32 else {}
