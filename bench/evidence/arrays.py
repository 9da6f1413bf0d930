"""Open arrays of layers, from the cache or from a target; join them; project them on directions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import LayerError, UserError
from bench.evidence.maps import compute_maps, read_maps
from bench.networks.pooling import MODES
from bench.parts.layer_arrays import LayerArrays
from bench.parts.optional_protocols import GivesArrays

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.evidence.pass_entries import PassEntries
    from bench.evidence.request import EvidenceRequest
    from bench.networks.layout import Layout
    from bench.parts.directions import Directions
    from bench.parts.layer_arrays import Array

_BLOCK_BYTES = 64 << 20
"""Directions are applied to blocks of images with up to this size."""


def as_tensor(values: Array) -> Tensor:
    """Return an array as a float32 tensor on the CPU that may be written to."""
    import torch

    if isinstance(values, torch.Tensor):
        return values.float()
    return torch.from_numpy(np.require(values, np.float32, ["C", "W"]))


def open_stored_arrays(
    request: EvidenceRequest, layer: str, layout: Layout, entries: PassEntries, *, rerun: bool
) -> LayerArrays:
    """Return a layer's arrays from complete entries of the cache.

    Args:
        request: For one probe set; runs the network again for maps that are not stored.
        layer: The layer.
        layout: How it is read.
        entries: Its entries.
        rerun: Whether the maps are too large to be stored.
    """
    import torch

    entry = entries.activations[layer]

    def activations() -> Tensor:
        # Where there was nothing to pool, one table is stored for both modes.
        tables = len(entry.chunk(0, mapped=True))
        at = MODES.index(layout.key_pooling) if tables > 1 else 0
        return torch.from_numpy(entry.read(axis=1, index=[at])[0])

    size = entry.meta["map_size"]
    maps = None
    if rerun:
        maps = partial(
            compute_maps, request.target, layer, layout, request.probe, request.execution
        )
    elif layer in entries.maps:
        maps = partial(read_maps, entries.maps[layer])
    return LayerArrays(
        n=len(request.probe),
        units=int(entry.meta["units"]),
        map_size=(int(size[0]), int(size[1])) if size else None,
        activations=activations,
        maps=maps,
    )


def open_given_arrays(request: EvidenceRequest, layer: str, layout: Layout) -> LayerArrays:
    """Return a layer's arrays from a target that runs no network, pooled according to the layout.

    Raises:
        UserError: The target does not have the layer, or not for these images.
    """
    assert isinstance(request.target, GivesArrays)
    arrays = request.target.arrays(layer, request.probe)
    if arrays.n != len(request.probe):
        raise UserError(
            f"the target gives activations on {arrays.n:,} images, and the probe set has "
            f"{len(request.probe):,}",
            where="target",
            hint="choose the probe set that the activations were computed on",
        )
    if arrays.map_size is None:
        return replace(
            arrays, maps=lambda: iter([as_tensor(arrays.activations())[..., None, None]])
        )
    if layout.pooling != "max":
        return arrays
    if arrays.maps is None:
        raise LayerError(
            layer,
            f"the target gives averages of the maps of {layer}; the largest values need the maps",
            where="target.pooling",
            hint="set target.pooling=auto",
        )
    return replace(arrays, activations=partial(_take_largest, arrays))


def join_arrays(parts: Sequence[LayerArrays]) -> LayerArrays:
    """Join the arrays of one layer on the members of a union, in the union's order."""
    import torch

    def maps() -> Iterator[Array]:
        return chain.from_iterable(part.maps() for part in parts if part.maps)

    return replace(
        parts[0],
        n=sum(part.n for part in parts),
        activations=lambda: torch.cat([as_tensor(part.activations()) for part in parts]),
        maps=maps if all(part.maps for part in parts) else None,
    )


def project_arrays(arrays: LayerArrays, directions: Directions, layout: Layout) -> LayerArrays:
    """Return the arrays of directions in place of those of the layer's units.

    Activations A [N, U] become A Dᵀ [N, K], and so do maps at each position. The pooled value of a
    direction is that of its own map. For averages and class tokens, which are linear, it follows
    from the pooled units; for the largest value it is taken from the maps.

    Args:
        arrays: Of the layer's units.
        directions: The K directions D [K, U].
        layout: How the layer is read.

    Raises:
        UserError: The directions are of another space.
    """

    def activations() -> Array:
        return _project(arrays.activations(), directions.matrix(arrays.units))

    def maps() -> Iterator[Array]:
        matrix = directions.matrix(arrays.units)
        assert arrays.maps is not None
        return (_project(batch, matrix) for batch in arrays.maps())

    projected = LayerArrays(
        n=arrays.n,
        units=directions.count(arrays.units),
        map_size=arrays.map_size,
        activations=activations,
        maps=None if arrays.maps is None else maps,
    )
    if layout.pooling == "max" and arrays.map_size is not None:
        return replace(projected, activations=partial(_take_largest, projected))
    return projected


def _project(values: Array, matrix: NDArray[np.float32]) -> Tensor:
    """Return [B, U, ...] as [B, K, ...], computed in float64.

    Rounded to float32, the sums do not depend on the number of threads and of rows.
    """
    import torch

    given = as_tensor(values)
    wide = torch.from_numpy(matrix).double()
    result = torch.empty(len(given), len(matrix), *given.shape[2:])
    row_bytes = 8 * max(given[0].numel(), result[0].numel()) if len(given) else 1
    rows = max(1, _BLOCK_BYTES // row_bytes)
    for start in range(0, len(given), rows):
        block = given[start : start + rows].double()
        result[start : start + rows] = torch.einsum("bu...,ku->bk...", block, wide)
    return result


def _take_largest(arrays: LayerArrays) -> Tensor:
    """Return the largest value of each map, float32 [N, U]."""
    import torch

    assert arrays.maps is not None
    return torch.cat([as_tensor(batch).amax(dim=(2, 3)) for batch in arrays.maps()])
