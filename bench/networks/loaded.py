"""The type of a loaded network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from torch import Tensor, nn


@dataclass(frozen=True)
class LoadedTarget:
    """A network ready to run: float32, eval mode, on its device.

    Attributes:
        module: The network; its layers are addressed by module path ("layer4", "fc").
        transform: Turns an RGB image into the network's input, float32 [3, H, W].
        notes: How it was loaded, for the record.
    """

    module: nn.Module
    transform: Callable[[Image], Tensor]
    notes: tuple[str, ...] = ()
