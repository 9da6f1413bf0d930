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
        maps: The maps themselves, float32 [B, U, H, W] (1 x 1 where there is nothing to pool);
            None where nobody asked for them.
    """

    values: Tensor
    map_size: tuple[int, int] | None
    maps: Tensor | None = None

    def on_host(self) -> Pooled:
        """The same in the host's memory, which leaves the device's to the next images."""
        maps = None if self.maps is None else self.maps.cpu()
        return Pooled(self.values.cpu(), self.map_size, maps)


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


def pool(output: Any, layer: str, *, maps: bool = False) -> Pooled:
    """Pool a layer's output.

    Args:
        output: What the module returned: maps [B, U, H, W] (mean and maximum over H and W), tokens
            [B, T, U] (the first token, whatever the mode) or [B, U] (as it is).
        layer: Its module path, for messages.
        maps: Keep the maps besides; a copy, for a later module may write into the output.

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
    if values.ndim < 4:
        vectors = values if values.ndim == 2 else values[:, 0]
        return Pooled(vectors[None], None, vectors[:, :, None, None].clone() if maps else None)
    both = torch.stack([values.mean(dim=(2, 3)), values.amax(dim=(2, 3))])
    size = (values.shape[2], values.shape[3])
    # One layout whatever the network's: what is stored and tallied is [B, U, H, W] row by row.
    kept = values.clone(memory_format=torch.contiguous_format) if maps else None
    return Pooled(both, size, kept)
