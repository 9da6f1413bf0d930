"""The cache entries that one pass over a probe set fills."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.evidence.maps import map_bytes, storable_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.evidence.request import EvidenceRequest
    from bench.evidence.store import Entry, Store
    from bench.networks.layout import Layout


@dataclass(frozen=True)
class PassEntries:
    """The entries of one pass, or some of them.

    Attributes:
        activations: Pooled activations by layer.
        maps: Maps by layer.
        embeddings: Image embeddings; None where they are not gathered.
    """

    activations: Mapping[str, Entry]
    maps: Mapping[str, Entry]
    embeddings: Entry | None

    def all(self) -> list[Entry]:
        """Return all entries."""
        last = [self.embeddings] if self.embeddings else []
        return [*self.activations.values(), *self.maps.values(), *last]

    def incomplete(self, limit: float) -> PassEntries:
        """Return the entries that a pass has to fill.

        Args:
            limit: Bytes of the maps of a layer above which they are not stored.
        """
        too_large = self.too_large(limit)
        return PassEntries(
            {layer: e for layer, e in self.activations.items() if not e.complete},
            {layer: e for layer, e in self.maps.items() if not (e.complete or layer in too_large)},
            self.embeddings if self.embeddings and not self.embeddings.complete else None,
        )

    def too_large(self, limit: float) -> set[str]:
        """Return the layers whose maps are known to exceed `limit` bytes.

        The size of a layer's maps is known once the layer was run.
        """
        layers = set()
        for layer, entry in self.maps.items():
            meta = self.activations[layer].meta
            if meta:
                height, width = meta["map_size"] or (1, 1)
                size = map_bytes(int(entry.parts["n"]), int(meta["units"]), (height, width))
                if size > storable_bytes(entry, limit):
                    layers.add(layer)
        return layers

    def spared_by(self, reused: Sequence[Entry], *, layers_ran: bool) -> list[Entry]:
        """Return the reused entries that saved work which no other pass did anyway.

        Any layer's activations and maps come with the same forward pass; the pass that made a
        layer's maps made its pooled activations too.

        Args:
            reused: Entries that were complete before the pass.
            layers_ran: Whether the pass ran the target for some layer.
        """
        if layers_ran:
            return [entry for entry in reused if entry is self.embeddings]
        with_maps = {self.activations[k] for k, entry in self.maps.items() if entry in reused}
        return [entry for entry in reused if entry not in with_maps]


@contextmanager
def open_entries(
    request: EvidenceRequest, layouts: Mapping[str, Layout], store: Store, share: str = ""
) -> Iterator[PassEntries]:
    """Open the entries of a request, and lock those that are not complete.

    Args:
        request: For one probe set, not a union.
        layouts: Of its layers.
        store: The evidence cache.
        share: As for `Store.hold`.
    """
    with store.hold(*request.keys(layouts), share=share) as entries:
        rest = iter(entries)
        yield PassEntries(
            {layer: next(rest) for layer in request.run_layers},
            {layer: next(rest) for layer in request.map_layers},
            next(rest, None),
        )
