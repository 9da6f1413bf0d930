"""Pool a layer's output to one number for each unit and image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from bench.errors import LayerError

if TYPE_CHECKING:
    from torch import Tensor

    from bench.networks.layout import Layout

Pooling = Literal["avg", "max"]

MODES: tuple[str, ...] = get_args(Pooling)
"""Ways of pooling, in the order in which their values are stored."""

_PLAIN = {2: "BU", 4: "BUHW"}
"""Axes by number of dimensions, where the layout does not name them."""

_EQUAL = 1e-6
"""Relative difference up to which class tokens are equal."""


@dataclass(frozen=True)
class Pooled:
    """A layer's output on a batch, pooled.

    Attributes:
        values: float32 [P, B, U]: P = 2 (avg, max) over positions, 1 where there is nothing to
            pool.
        map_size: (H, W) of the units' maps; None for layers without maps.
        shape: Of the output, 0 for the number of images.
        maps: float32 [B, U, H, W] (1 x 1 for layers without maps); None unless requested.
    """

    values: Tensor
    map_size: tuple[int, int] | None
    shape: tuple[int, ...] = ()
    maps: Tensor | None = None

    def first(self) -> Pooled:
        """Return the values of the first image."""
        maps = None if self.maps is None else self.maps[:1]
        return Pooled(self.values[:, :1], self.map_size, self.shape, maps)

    def cpu(self) -> Pooled:
        """Return a copy in the memory of the CPU."""
        maps = None if self.maps is None else self.maps.cpu()
        return Pooled(self.values.cpu(), self.map_size, self.shape, maps)


def pool(output: Tensor, layer: str, layout: Layout, images: int, *, maps: bool = False) -> Pooled:
    """Pool a layer's output.

    Args:
        output: What the module returned.
        layer: Its name, for messages.
        layout: Its axes, and how it is pooled.
        images: Number of images that the network was shown.
        maps: Keep a copy of the maps; a later module may overwrite the output.

    Returns:
        The pooled values, on the output's device.

    Raises:
        LayerError: The output does not have the layout.
    """
    import torch

    axes = layout.axes or _PLAIN.get(output.ndim, "")
    _check(output, layer, layout, axes, images)
    at = [axes.index("B"), axes.index("U"), *(i for i, name in enumerate(axes) if name == "T")]
    at += [axes.index(name) for name in "HW" if name in axes]
    values = output.float().permute(at)
    shape = tuple(0 if name == "B" else n for name, n in zip(axes, output.shape, strict=True))
    if layout.class_token or (values.shape[2:] == (1,) and (layout.one_token or not layout.shape)):
        values = values[:, :, 0]
    elif layout.prefix_tokens:
        values = values[:, :, layout.prefix_tokens :]
    positions = tuple(range(2, values.ndim))
    if not positions:
        return Pooled(values[None], None, shape, values[:, :, None, None].clone() if maps else None)
    both = torch.stack([values.mean(dim=positions), values.amax(dim=positions)])
    if "T" in axes or not {"H", "W"} <= set(axes):
        mode = MODES.index(layout.key_pooling)
        return Pooled(both, None, shape, both[mode][:, :, None, None].clone() if maps else None)
    # Stored maps are contiguous [B, U, H, W], whatever the network's memory format.
    copy = values.clone(memory_format=torch.contiguous_format) if maps else None
    return Pooled(both, (values.shape[2], values.shape[3]), shape, copy)


def _check(output: Tensor, layer: str, layout: Layout, axes: str, images: int) -> None:
    shape = list(output.shape)
    if output.is_complex():
        what, hint = f"complex numbers of shape {shape}", "choose a layer just before or after it"
    elif not axes:
        what = f"a tensor of shape {shape}"
        hint = "say what its axes are with target.axes, or choose a layer just before or after it"
    elif len(axes) != len(shape):
        what, hint = f"a tensor of shape {shape}, which is not {axes}", "check target.axes"
    elif shape[axes.index("B")] != images:
        what = (
            f"a tensor of shape {shape} for {images} images: axis {axes.index('B')} does not count "
            "images"
        )
        hint = (
            "say which axis does with target.axes, such as TBU"
            if images in shape
            else "choose a layer whose output holds all images of a batch"
        )
    elif layout.one_token and not layout.class_token and shape[axes.index("T")] > 1:
        what = f"{shape[axes.index('T')]} tokens for these images, and one for synthetic ones"
        hint = "choose a layer with the same number of tokens for all images"
    else:
        return
    raise LayerError(layer, f"layer {layer!r} gives {what}", hint=hint)


def check_mixed(values: Tensor, layer: str) -> None:
    """Check that a class token depends on the image.

    Args:
        values: float [B, U]; the values of a single image always pass.
        layer: The layer's name, for the message.

    Raises:
        LayerError: All rows are equal.
    """
    spread = (values - values[:1]).abs().max() if len(values) > 1 else None
    if spread is not None and spread <= _EQUAL * values.abs().max():
        raise LayerError(
            layer,
            f"the class token of layer {layer!r} is equal for all {len(values)} images: no patch "
            "was mixed into it yet",
            where="target.pooling",
            hint="target.pooling=avg takes the patches' average; or choose a later layer",
        )
