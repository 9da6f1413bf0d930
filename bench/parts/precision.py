"""Precision of a network's arithmetic."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, get_args

from bench.errors import UserError

Precision = Literal["float32", "float16", "bfloat16"]


def check_precision(precision: str, where: str) -> None:
    """Check the value of a config key.

    Raises:
        UserError: It is not a precision.
    """
    if precision not in get_args(Precision):
        hint = f"choose one of: {', '.join(get_args(Precision))}"
        raise UserError(f"unknown precision {precision!r}", where=where, hint=hint)


def autocast(precision: str, device: str) -> AbstractContextManager[Any]:
    """Run the operations inside the block in a precision; weights stay float32."""
    import torch

    if precision == "float32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, getattr(torch, precision))
