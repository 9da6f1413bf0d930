"""A long short-term memory (Hochreiter and Schmidhuber, 1997): its step and its sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor


def check_sizes(config: object, sizes: Iterable[int], dropout: float) -> None:
    """Check the configuration of a network.

    Raises:
        ValueError: A size is not a positive integer, or the dropout outside [0, 1).
    """
    if any(not isinstance(size, int) or size < 1 for size in sizes):
        raise ValueError(f"sizes must be positive integers: {config}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), not {dropout!r}")


def lstm_cell(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Run one step from the gates' inputs.

    Args:
        gates: W x + U h + b for the input, forget, cell and output gate in PyTorch's order,
            [..., 4 H].
        c: Cell state, [..., H].

    Returns:
        The next h and c, both [..., H].
    """
    written, kept, cell, shown = gates.chunk(4, dim=-1)
    c = torch.sigmoid(kept) * c + torch.sigmoid(written) * torch.tanh(cell)
    return torch.sigmoid(shown) * torch.tanh(c), c
