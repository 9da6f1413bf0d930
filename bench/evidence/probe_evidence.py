"""Evidence on a probe set, read from the cache when asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from bench.evidence.maps import LayerMaps, compute_maps, read_maps
from bench.networks.pooling import MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from bench.evidence.pass_entries import PassEntries
    from bench.evidence.request import EvidenceRequest
    from bench.networks.layout import Layout


@dataclass(frozen=True)
class ProbeEvidence:
    """Evidence on one probe set, or on a union of several.

    Attributes:
        layers: The target's layers, in the order of the request, without its `extra_layers`.
        layouts: How each layer is read, `extra_layers` included.
        notes: What the network cannot do, for the record.
        n: Number of images.
        units: Number of units by layer.
        map_sizes: (H, W) of the units' maps by layer; None for layers without maps.
        costs: What evidence from the cache cost when it was made, each pass once (see `make_cost`);
            without passes whose work this run's own pass did anyway.
        cached: Whether nothing had to be computed.
        batch_size: Images in a forward pass: the requested number, or less where the device ran
            out of memory.
        reruns: Layers whose maps are too large to be stored.
    """

    layers: Sequence[str]
    layouts: Mapping[str, Layout]
    notes: tuple[str, ...]
    n: int
    units: Mapping[str, int]
    map_sizes: Mapping[str, tuple[int, int] | None]
    costs: tuple[Mapping[str, Any], ...]
    cached: bool
    batch_size: int
    reruns: frozenset[str]
    _request: EvidenceRequest
    _entries: PassEntries
    _members: Sequence[ProbeEvidence] = ()

    @classmethod
    def from_entries(
        cls,
        request: EvidenceRequest,
        layouts: Mapping[str, Layout],
        entries: PassEntries,
        **facts: Any,
    ) -> ProbeEvidence:
        """Describe complete entries.

        Args:
            request: For one probe set.
            layouts: How its layers are read.
            entries: Complete, except for maps that are too large.
            facts: The other attributes: `notes`, `costs`, `cached`, `batch_size`, `reruns`.
        """
        metas = {layer: entry.meta for layer, entry in entries.activations.items()}
        sizes = {layer: meta["map_size"] for layer, meta in metas.items()}
        return cls(
            layers=request.layers,
            layouts={
                layer: _complete_layout(layouts[layer], meta) for layer, meta in metas.items()
            },
            n=len(request.probe),
            units={layer: int(meta["units"]) for layer, meta in metas.items()},
            map_sizes={k: (int(v[0]), int(v[1])) if v else None for k, v in sizes.items()},
            _request=request,
            _entries=entries,
            **facts,
        )

    @classmethod
    def concatenate(cls, members: Sequence[ProbeEvidence]) -> ProbeEvidence:
        """Join evidence on the members of a union, of the same layers, in the union's order."""
        if len(members) == 1:
            return members[0]
        costs = {cost["pass"]: cost for member in members for cost in member.costs}
        return replace(
            members[0],
            notes=tuple(dict.fromkeys(note for member in members for note in member.notes)),
            n=sum(member.n for member in members),
            costs=tuple(costs.values()),
            cached=all(member.cached for member in members),
            batch_size=min(member.batch_size for member in members),
            reruns=frozenset().union(*(member.reruns for member in members)),
            _members=members,
        )

    def activations(self, layer: str) -> Tensor:
        """Read the pooled activations of a layer, float32 [N images, U units]."""
        import torch

        if self._members:
            return torch.cat([member.activations(layer) for member in self._members])
        entry = self._entries.activations[layer]
        # Where there was nothing to pool, one table is stored for both modes.
        tables = len(entry.chunk(0, mapped=True))
        at = MODES.index(self.layouts[layer].key_pooling) if tables > 1 else 0
        return torch.from_numpy(entry.read(axis=1, index=[at])[0])

    def maps(self, layer: str) -> LayerMaps:
        """Return the maps of a layer, where they were requested; 1 x 1 for a layer without."""
        request, execution = self._request, self._request.execution
        read: Callable[[], Iterator[Tensor]]
        if self._members:
            members = [member.maps(layer) for member in self._members]
            read = lambda: chain.from_iterable(maps.batches() for maps in members)  # noqa: E731
        elif layer in self.reruns:
            execution = replace(execution, batch_size=self.batch_size)
            layout = self.layouts[layer]
            read = partial(compute_maps, request.target, layer, layout, request.probe, execution)
        else:
            read = partial(read_maps, self._entries.maps[layer])
        title = f"maps of {layer}" if execution.progress and not self._members else ""
        size = self.map_sizes[layer] or (1, 1)
        return LayerMaps(self.n, self.units[layer], size, read, title)

    def image_embeddings(self) -> Tensor | None:
        """Read the image embeddings, float32 [N, D], not normalised; None without an encoder."""
        import torch

        if self._entries.embeddings is None:
            return None
        members = self._members or [self]
        tables = [torch.from_numpy(m._entries.embeddings.read()) for m in members]  # type: ignore[union-attr]
        return tables[0] if len(tables) == 1 else torch.cat(tables)


def _complete_layout(layout: Layout, meta: Mapping[str, Any]) -> Layout:
    """Add what the run showed to the layout of a layer that is read as [B, U, H, W] or [B, U]."""
    if layout.axes:
        return layout
    axes = "BUHW" if meta["map_size"] else "BU"
    return replace(layout, axes=axes, calls=int(meta.get("calls", 0)))
