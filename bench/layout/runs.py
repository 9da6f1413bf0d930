"""Runs of a network on a few synthetic images."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bench.layout.trace import Trace, synthetic_images, trace

if TYPE_CHECKING:
    from torch import Tensor

    from bench.parts import LoadedTarget

_WIDER = (32, 64)
"""How much higher and wider the images of another size are, in pixels."""


class Runs:
    """Runs of a network on two images, on three, and on two of another size; each made once.

    Args:
        target: The network, with any weights.

    Attributes:
        network: Its module.
        modules: All modules inside by path, those of several paths under each of them.
    """

    def __init__(self, target: LoadedTarget) -> None:
        self.network = target.module
        self.modules = dict(self.network.named_modules(remove_duplicate=False))
        self._transform = target.transform

    @cached_property
    def _images(self) -> Tensor:
        import torch

        weights = next(self.network.parameters(), None)
        device = torch.device("cpu") if weights is None else weights.device
        return synthetic_images(self._transform, 3).to(device)

    @cached_property
    def two(self) -> Trace:
        """Two images."""
        return trace(self.network, self._images[:2], constant=True)

    @cached_property
    def three(self) -> Trace:
        """Three images."""
        return trace(self.network, self._images)

    @cached_property
    def resized(self) -> Trace:
        """Two images, higher and wider; many networks refuse them, at once or on their way."""
        from torch.nn.functional import interpolate

        height, width = self.two.size
        size = (height + _WIDER[0], width + _WIDER[1])
        return trace(self.network, interpolate(self._images[:2].float(), size=size))
