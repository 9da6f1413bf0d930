"""Run a network on a few synthetic images, each way only once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bench.networks.layout.trace import Trace, synthetic_images, trace

if TYPE_CHECKING:
    from torch import Tensor

    from bench.networks.loaded import LoadedTarget

_SIDES = (256, 224, 32, 64, 28, 96, 128, 299, 384, 512)
"""Sides of synthetic images to try, in pixels."""

_EXTRA_SIZE = (32, 64)
"""How much higher and wider the images of another size are, in pixels."""


class Runs:
    """Runs of a network on two images, on three, and on two of another size.

    Args:
        target: The network, with any weights.

    Attributes:
        network: Its module.
        modules: All modules inside by path; a module with several paths under each of them.
    """

    def __init__(self, target: LoadedTarget) -> None:
        self.network = target.module
        self.modules = dict(self.network.named_modules(remove_duplicate=False))
        self._transform = target.transform

    @property
    def scripted(self) -> bool:
        """Whether part of the network is compiled by torch.jit."""
        import torch

        return any(isinstance(m, torch.jit.ScriptModule) for m in self.modules.values())

    @cached_property
    def two(self) -> Trace:
        """The run on two images, of the first size that the network takes.

        After a transform that neither resizes nor crops, the size of the images matters: networks
        for small images, such as CIFAR's, take no others.
        """
        runs: list[Trace] = []
        for side in _SIDES:
            self._images = self._synthetic(side)
            runs.append(trace(self.network, self._images[:2], constant=True))
            if runs[-1].error is None:
                return runs[-1]
            if len(runs) > 1 and runs[-1].size == runs[0].size:
                break  # the transform brings all images to one size
        self._images = self._synthetic(_SIDES[0])
        return runs[0]

    def _synthetic(self, side: int) -> Tensor:
        import torch

        weights = next(self.network.parameters(), None)
        device = torch.device("cpu") if weights is None else weights.device
        return synthetic_images(self._transform, 3, side).to(device)

    @cached_property
    def three(self) -> Trace:
        """The run on three images."""
        assert self.two
        return trace(self.network, self._images)

    @cached_property
    def resized(self) -> Trace:
        """The run on two larger images; it ends early in many networks."""
        from torch.nn.functional import interpolate

        height, width = self.two.size
        size = (height + _EXTRA_SIZE[0], width + _EXTRA_SIZE[1])
        return trace(self.network, interpolate(self._images[:2].float(), size=size))
