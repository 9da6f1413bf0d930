"""The arithmetic of a long short-term memory (Hochreiter and Schmidhuber, 1997)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


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
