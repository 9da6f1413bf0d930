"""What one pass over the probe set gave, read when asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.evidence.maps import RerunMaps, StoredMaps, WatchedMaps
from bench.networks.pooling import MODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from baselines.spatial import Maps
    from bench.evidence.store import Entry
    from bench.networks.execution import How
    from bench.networks.layout import Layout
    from bench.parts.protocols import Probe, Target


@dataclass(frozen=True)
class GatheredEvidence:
    """What one pass gave, or the cache still held.

    Attributes:
        layers: The target's layers, in the order asked for; without those gathered `also`.
        layouts: How each layer is read, those gathered `also` among them.
        notes: What the network did not bear, for the record.
        n: Number of images.
        units: Number of units by layer.
        map_sizes: (H, W) of the units' maps by layer; None for layers without.
        costs: What evidence from the cache cost when it was made, each pass once (see `make_cost`);
            without what this run's own pass would have made on the way.
        cached: Whether nothing had to be computed.
        batch_size: Images that went through a network at a time: what was asked for, or less where
            the device ran out of memory.
        reruns: Layers whose maps are too large to be stored.
    """

    layers: tuple[str, ...]
    layouts: Mapping[str, Layout]
    notes: tuple[str, ...]
    n: int
    units: Mapping[str, int]
    map_sizes: Mapping[str, tuple[int, int] | None]
    costs: tuple[Mapping[str, Any], ...]
    cached: bool
    batch_size: int
    reruns: frozenset[str]
    _activations: Mapping[str, Entry]
    _maps: Mapping[str, Entry]
    _embeddings: Entry | None
    _target: Target
    _probe: Probe
    _how: How

    def activations(self, layer: str) -> Tensor:
        """Pooled activations of a layer, float32 [N images, U units]; read when asked for."""
        import torch

        entry = self._activations[layer]
        # Where there was nothing to pool, one table serves both ways.
        ways = len(entry.chunk(0, mapped=True))
        at = MODES.index(self.layouts[layer].key_pooling) if ways > 1 else 0
        return torch.from_numpy(entry.read(axis=1, index=[at])[0])

    def maps(self, layer: str) -> Maps:
        """Maps of a layer, where they were asked for; 1 x 1 for a layer without."""
        size, units = self.map_sizes[layer] or (1, 1), self.units[layer]
        maps: Maps = StoredMaps(self._maps[layer], self.n, units, size)
        if layer in self.reruns:
            how = replace(self._how, batch_size=self.batch_size)
            maps = RerunMaps(
                self._target, layer, self.layouts[layer], self._probe, units, size, how
            )
        return WatchedMaps(maps, f"maps of {layer}", self._how.progress)

    def image_embeddings(self) -> Tensor | None:
        """The encoder's embeddings, float32 [N, D], not normalised; None without an encoder."""
        import torch

        return None if self._embeddings is None else torch.from_numpy(self._embeddings.read())
