"""Evidence on a union of probe sets, put together from that on its parts.

An image's activations and embeddings do not depend on the set that it is shown in: what was
gathered for ImageNet serves for "ImageNet and Broden" too, and no image is decoded twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from baselines.spatial import Maps
    from bench.evidence.gathered import GatheredEvidence
    from bench.networks.layout import Layout
    from bench.parts.protocols import Probe


def members_of(probe: Probe) -> tuple[Probe, ...]:
    """The sets whose images, one behind the other, are a probe set's; none where it is no union.

    A probe set may say so by an attribute `members`.
    """
    members: tuple[Probe, ...] = tuple(getattr(probe, "members", ()))
    return tuple(part for member in members for part in members_of(member) or (member,))


@dataclass(frozen=True)
class JoinedEvidence:
    """Evidence on the images of several sets, in their order. Reads like `GatheredEvidence`.

    Attributes:
        parts: Of the same layers, pooled alike, with or without an encoder all of them.
    """

    parts: tuple[GatheredEvidence, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The target's layers, in the order asked for."""
        return self.parts[0].layers

    @property
    def layouts(self) -> Mapping[str, Layout]:
        """How each layer is read."""
        return self.parts[0].layouts

    @property
    def notes(self) -> tuple[str, ...]:
        """What the network did not bear, each thing once."""
        return tuple(dict.fromkeys(note for part in self.parts for note in part.notes))

    @property
    def n(self) -> int:
        """Number of images."""
        return sum(part.n for part in self.parts)

    @property
    def units(self) -> Mapping[str, int]:
        """Number of units by layer."""
        return self.parts[0].units

    @property
    def map_sizes(self) -> Mapping[str, tuple[int, int] | None]:
        """(H, W) of the units' maps by layer; None for layers without."""
        return self.parts[0].map_sizes

    @cached_property
    def costs(self) -> tuple[Mapping[str, Any], ...]:
        """What evidence from the cache cost when it was made, each pass once."""
        return tuple({cost["pass"]: cost for part in self.parts for cost in part.costs}.values())

    @property
    def cached(self) -> bool:
        """Whether nothing had to be computed."""
        return all(part.cached for part in self.parts)

    @property
    def batch_size(self) -> int:
        """Images that went through a network at a time, the least of all passes."""
        return min(part.batch_size for part in self.parts)

    @property
    def reruns(self) -> frozenset[str]:
        """Layers of which some part's maps are too large to be stored."""
        return frozenset().union(*(part.reruns for part in self.parts))

    def activations(self, layer: str) -> Tensor:
        """Pooled activations of a layer, float32 [N images, U units]; read when asked for."""
        import torch

        return torch.cat([part.activations(layer) for part in self.parts])

    def maps(self, layer: str) -> Maps:
        """Maps of a layer, where they were asked for; 1 x 1 for a layer without."""
        return _JoinedMaps(tuple(part.maps(layer) for part in self.parts))

    def image_embeddings(self) -> Tensor | None:
        """The encoder's embeddings, float32 [N, D], not normalised; None without an encoder."""
        import torch

        found = [part.image_embeddings() for part in self.parts]
        return None if found[0] is None else torch.cat([own for own in found if own is not None])


@dataclass(frozen=True)
class _JoinedMaps:
    parts: tuple[Maps, ...]

    @property
    def n_images(self) -> int:
        return sum(part.n_images for part in self.parts)

    @property
    def n_units(self) -> int:
        return self.parts[0].n_units

    @property
    def map_size(self) -> tuple[int, int]:
        return self.parts[0].map_size

    def batches(self) -> Iterator[Tensor]:
        for part in self.parts:
            yield from part.batches()
