"""Activations of a layer on a probe set, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Array = NDArray[np.floating[Any]] | Tensor


@dataclass(frozen=True)
class LayerArrays:
    """Activations of a layer: from a target that runs no network, or from the cache.

    Attributes:
        n: Number of images, N.
        units: Number of units, U.
        map_size: (h, w) of the units' maps; None for a layer without maps.
        activations: Return the pooled activations, float32 [N, U]: the averages of the maps, where
            there are maps.
        maps: Go through the maps once, in batches float32 [B, U, h, w] in the order of the images;
            None where there are none to read.
    """

    n: int
    units: int
    map_size: tuple[int, int] | None
    activations: Callable[[], Array]
    maps: Callable[[], Iterator[Array]] | None = None
