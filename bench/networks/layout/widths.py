"""The number of units that a module declares, and their axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Width:
    """The number of units that a module declares.

    Attributes:
        units: Their number.
        axis: Their axis in its output, 1 or -1; None for a class with a `forward` of its own, whose
            axes only the sizes can tell.
        channels: Whether its units are always features. A linear layer may be applied to any axis,
            for example that of tokens.
    """

    units: int
    axis: int | None
    channels: bool

    def axis_in(self, shape: tuple[int, ...], images: int) -> int | None:
        """Return the axis of the units in an output; None where its shape does not tell.

        Args:
            shape: Of the output.
            images: The axis of the images.
        """
        if self.axis is not None and len(shape) > 1:
            axis = self.axis % len(shape)
            return axis if shape[axis] == self.units and axis != images else None
        return only_axis(shape, self.units, images)


def only_axis(shape: tuple[int, ...], size: int, images: int) -> int | None:
    """Return the axis of this size, other than the images'; None for none or several."""
    axes = [axis for axis, n in enumerate(shape) if n == size and axis != images]
    return axes[0] if len(axes) == 1 else None


def width_of(module: nn.Module) -> Width | None:
    """Return the width that a module declares; None where it declares none."""
    known = _by_class(module)
    if known is None:
        return _by_attribute(module)
    units, axis, channels = known
    # Subclasses with a `forward` of their own may permute: LayerNorm2d normalises axis 1.
    owner = next(kind for kind in type(module).__mro__ if "forward" in vars(kind))
    return Width(units, axis if owner.__module__.startswith("torch.nn.") else None, channels)


def _by_class(module: nn.Module) -> tuple[int, int, bool] | None:
    """Return (units, axis, whether they are channels) of PyTorch's own modules."""
    from torch import nn
    from torch.nn.modules.batchnorm import _NormBase
    from torch.nn.modules.conv import _ConvNd

    own: Any = module
    if isinstance(module, _ConvNd):
        return own.out_channels, 1, not isinstance(module, nn.Conv1d)
    if isinstance(module, _NormBase) and own.num_features:
        return own.num_features, 1, True
    if isinstance(module, nn.GroupNorm):
        return own.num_channels, 1, True
    if isinstance(module, nn.LayerNorm | nn.RMSNorm):
        return (own.normalized_shape[0], -1, True) if len(own.normalized_shape) == 1 else None
    if isinstance(module, nn.Linear | nn.Bilinear):
        return own.out_features, -1, False
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return own.embedding_dim, -1, True
    if isinstance(module, nn.MultiheadAttention):
        return own.embed_dim, -1, True
    if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
        return own.linear2.out_features, -1, True
    if isinstance(module, nn.RNNBase):
        return (own.proj_size or own.hidden_size) * (1 + own.bidirectional), -1, True
    return None


def _by_attribute(module: nn.Module) -> Width | None:
    """Return the width of a leaf module with weights that is not one of PyTorch's own."""
    if next(module.children(), None) is not None or not any(True for _ in module.parameters()):
        return None
    for name in ("out_channels", "out_features", "num_features", "normalized_shape"):
        value = getattr(module, name, None)
        if isinstance(value, tuple | list) and len(value) == 1:
            value = value[0]
        if isinstance(value, int) and not isinstance(value, bool):
            return Width(value, None, name in ("out_channels", "num_features"))
    return None
