"""Evidence on a probe set, read when asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.evidence.arrays import as_tensor, join_arrays, open_stored_arrays
from bench.evidence.maps import LayerMaps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from bench.evidence.pass_entries import PassEntries
    from bench.evidence.request import EvidenceRequest
    from bench.networks.layout import Layout
    from bench.parts.layer_arrays import Array, LayerArrays


@dataclass(frozen=True)
class ProbeEvidence:
    """Evidence on one probe set, or on a union of several.

    Attributes:
        layers: The target's layers, in the order of the request, without its `extra_layers`.
        layouts: How each layer is read, `extra_layers` included.
        notes: What the network cannot do, for the record.
        n: Number of images.
        arrays: Activations and maps by layer, `extra_layers` included.
        embeddings: Return the image embeddings [N, D]; None without an encoder.
        costs: What evidence from the cache cost when it was made, each pass once (see `make_cost`);
            without passes whose work this run's own pass did anyway.
        cached: Whether nothing had to be computed.
        batch_size: Images in a forward pass: the requested number, or less where the device ran
            out of memory.
        reruns: Layers whose maps are too large to be stored.
        progress: Whether readings of maps show a progress bar.
    """

    layers: Sequence[str]
    layouts: Mapping[str, Layout]
    notes: tuple[str, ...]
    n: int
    arrays: Mapping[str, LayerArrays]
    embeddings: Callable[[], Array] | None
    costs: tuple[Mapping[str, Any], ...]
    cached: bool
    batch_size: int
    reruns: frozenset[str]
    progress: bool

    @classmethod
    def from_entries(
        cls,
        request: EvidenceRequest,
        layouts: Mapping[str, Layout],
        entries: PassEntries,
        *,
        batch_size: int,
        reruns: frozenset[str],
        **facts: Any,
    ) -> ProbeEvidence:
        """Describe complete entries.

        Args:
            request: For one probe set.
            layouts: How its layers are read.
            entries: Complete, except for maps that are too large.
            batch_size: See the attributes.
            reruns: See the attributes.
            facts: The other attributes: `notes`, `costs`, `cached`.
        """
        execution = replace(request.execution, batch_size=batch_size)
        again = replace(request, execution=execution)
        return cls(
            layers=request.layers,
            layouts={
                layer: complete_layout(layouts[layer], entry.meta)
                for layer, entry in entries.activations.items()
            },
            n=len(request.probe),
            arrays={
                layer: open_stored_arrays(
                    again, layer, layouts[layer], entries, rerun=layer in reruns
                )
                for layer in entries.activations
            },
            embeddings=entries.embeddings.read if entries.embeddings else None,
            batch_size=batch_size,
            reruns=reruns,
            progress=request.execution.progress,
            **facts,
        )

    @classmethod
    def concatenate(cls, members: Sequence[ProbeEvidence]) -> ProbeEvidence:
        """Join evidence on the members of a union, of the same layers, in the union's order."""
        first = members[0]
        if len(members) == 1:
            return first
        costs = {cost["pass"]: cost for member in members for cost in member.costs}
        return replace(
            first,
            notes=tuple(dict.fromkeys(note for member in members for note in member.notes)),
            n=sum(member.n for member in members),
            arrays={
                layer: join_arrays([member.arrays[layer] for member in members])
                for layer in first.arrays
            },
            embeddings=None if first.embeddings is None else lambda: _joined_embeddings(members),
            costs=tuple(costs.values()),
            cached=all(member.cached for member in members),
            batch_size=min(member.batch_size for member in members),
            reruns=frozenset().union(*(member.reruns for member in members)),
        )

    @property
    def units(self) -> dict[str, int]:
        """Number of units by layer."""
        return {layer: arrays.units for layer, arrays in self.arrays.items()}

    @property
    def map_sizes(self) -> dict[str, tuple[int, int] | None]:
        """(H, W) of the units' maps by layer; None for layers without maps."""
        return {layer: arrays.map_size for layer, arrays in self.arrays.items()}

    def activations(self, layer: str) -> Tensor:
        """Read the pooled activations of a layer, float32 [N images, U units]."""
        return as_tensor(self.arrays[layer].activations())

    def maps(self, layer: str) -> LayerMaps:
        """Return the maps of a layer; 1 x 1 for a layer without.

        Raises:
            KeyError: The maps were not requested.
        """
        arrays, read = self.arrays[layer], self.arrays[layer].maps
        if read is None:
            raise KeyError(f"the maps of {layer} were not gathered")
        title = f"maps of {layer}" if self.progress else ""
        size = arrays.map_size or (1, 1)
        return LayerMaps(self.n, arrays.units, size, lambda: map(as_tensor, read()), title)

    def image_embeddings(self) -> Tensor | None:
        """Read the image embeddings, float32 [N, D], not normalised; None without an encoder."""
        return None if self.embeddings is None else as_tensor(self.embeddings())


def _joined_embeddings(members: Sequence[ProbeEvidence]) -> Tensor:
    import torch

    return torch.cat([as_tensor(m.embeddings()) for m in members if m.embeddings])


def complete_layout(layout: Layout, meta: Mapping[str, Any]) -> Layout:
    """Add what a run showed to the layout of a layer that is read as [B, U, H, W] or [B, U].

    Args:
        layout: Of the layer.
        meta: `map_size` and, where it is above 1, the number of `calls`.
    """
    if layout.axes:
        return layout
    axes = "BUHW" if meta["map_size"] else "BU"
    return replace(layout, axes=axes, calls=int(meta.get("calls", 0)))
