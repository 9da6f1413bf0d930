"""From a layer's output to one number per unit and image (METHODS 0.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from bench.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

Pooling = Literal["avg", "max"]

MODES: tuple[str, ...] = get_args(Pooling)
"""The order in which pooled maps are stored."""


@dataclass(frozen=True)
class Pooled:
    """A layer's output on a batch, pooled.

    Attributes:
        values: float32 [P, B, U]: P = 2 (avg, max) for maps, 1 where there is nothing to pool.
        map_size: (H, W) of the units' maps; None for layers without.
    """

    values: Tensor
    map_size: tuple[int, int] | None


def check_pooling(pooling: str) -> None:
    """Refuse an unknown way of pooling.

    Raises:
        UserError: It is neither "avg" nor "max".
    """
    if pooling not in MODES:
        raise UserError(
            f"unknown pooling {pooling!r}",
            where="target.pooling",
            valid=MODES,
            cure="target.pooling=avg or target.pooling=max",
        )


def pool(output: Any, layer: str) -> Pooled:
    """Pool a layer's output.

    Args:
        output: What the module returned: maps [B, U, H, W] (mean and maximum over H and W), tokens
            [B, T, U] (the first token, whatever the mode) or [B, U] (as it is).
        layer: Its module path, for messages.

    Returns:
        The pooled values, on the output's device.

    Raises:
        UserError: The output is no tensor of two, three or four dimensions.
    """
    import torch

    if not torch.is_tensor(output) or output.ndim not in (2, 3, 4):
        found = (
            f"a tensor of shape {tuple(output.shape)}"
            if torch.is_tensor(output)
            else f"a {type(output).__name__}"
        )
        raise UserError(
            f"layer {layer!r} gives {found}; units need [images, units], "
            "[images, tokens, units] or [images, units, height, width]",
            where="target.layers",
            cure="choose a layer just before or after it",
        )
    values = output.float()
    if values.ndim == 2:
        return Pooled(values[None], None)
    if values.ndim == 3:
        return Pooled(values[None, :, 0], None)
    both = torch.stack([values.mean(dim=(2, 3)), values.amax(dim=(2, 3))])
    return Pooled(both, (values.shape[2], values.shape[3]))
