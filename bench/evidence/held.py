"""The cache entries that one pass fills, and their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.evidence.maps import ROWS, map_bytes, storable
from bench.networks.pooling import MODES
from bench.networks.precision import key_part

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bench.evidence.store import Entry
    from bench.networks.layout import Layout
    from bench.parts.protocols import Encoder, Probe, Target

EXTRACTOR_VERSION = 1
"""Raised when activations, maps or embeddings of equal parts come out otherwise."""


@dataclass(frozen=True)
class Held:
    """The entries of one pass.

    Attributes:
        activations: Pooled activations by layer.
        maps: Maps by layer; empty where nobody asked for them.
        embeddings: Of the images; None without an encoder.
    """

    activations: Mapping[str, Entry]
    maps: Mapping[str, Entry]
    embeddings: Entry | None

    @classmethod
    def of(
        cls,
        layers: Sequence[str],
        entries: Sequence[Entry],
        *,
        encoder: bool,
        maps: bool,
        also: Sequence[str] = (),
    ) -> Held:
        """Sort entries that were opened with `keys_of`, in its order."""
        pooled = [*layers, *also]
        n = len(pooled)
        return cls(
            dict(zip(pooled, entries[:n], strict=True)),
            dict(zip(layers, entries[n : n + len(layers)], strict=True)) if maps else {},
            entries[-1] if encoder else None,
        )

    def entries(self) -> list[Entry]:
        """All of them."""
        last = [self.embeddings] if self.embeddings else []
        return [*self.activations.values(), *self.maps.values(), *last]

    def unfinished(self) -> list[Entry]:
        """Those that are not complete."""
        return [entry for entry in self.entries() if not entry.complete]

    def spared_by(self, made: Collection[Entry], reused: Sequence[Entry]) -> list[Entry]:
        """Which reused entries spared work that no other pass in question did on its way.

        Another layer of a network that runs, or its maps, come with the same forward pass; and what
        made a layer's maps made its pooled activations too.
        """
        layers = [*self.activations.values(), *self.maps.values()]
        if any(entry in made for entry in layers):
            return [entry for entry in reused if entry is self.embeddings]
        pooled = {self.activations[k] for k, entry in self.maps.items() if entry in reused}
        return [entry for entry in reused if entry not in pooled]

    def too_large(self, limit: float) -> set[Entry]:
        """Maps that are known to exceed `limit` bytes; of a layer never seen nothing is known."""
        found = set()
        for layer, entry in self.maps.items():
            known = self.activations[layer].meta
            if known:
                height, width = known["map_size"] or (1, 1)
                size = map_bytes(int(entry.parts["n"]), int(known["units"]), (height, width))
                if size > storable(entry, limit):
                    found.add(entry)
        return found


def keys_of(
    target: Target,
    layers: Sequence[str],
    probe: Probe,
    encoder: Encoder | None,
    precision: str,
    tf32: bool,
    *,
    maps: bool,
    layouts: Mapping[str, Layout],
    also: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Everything that decides what a pass gives, entry by entry.

    `layouts` are those of `layers` and `also`.

    Returns:
        The keys of the pooled activations of each layer and of those wanted `also`, of each layer's
        maps where they are wanted, and of the image embeddings where there is an encoder.
    """
    # Once for all keys: a folder of images looks at each of its files to say what it is.
    images = {"probe": dict(probe.fingerprint()), "n": len(probe)}
    network = dict(target.fingerprint()) if layers or also else {}
    rounded = key_part(tf32=tf32)
    shown = {**images, "precision": precision, **rounded, "extractor": EXTRACTOR_VERSION}
    keys: list[dict[str, Any]] = [
        {
            "kind": "activations",
            "target": network,
            "layer": layer,
            "pooling": list(MODES),
            **layouts[layer].key_part(),
            **shown,
        }
        for layer in (*layers, *also)
    ]
    if maps:
        keys += [
            {
                "kind": "maps",
                "target": network,
                "layer": layer,
                "rows": ROWS,
                **layouts[layer].maps_key_part(),
                **shown,
            }
            for layer in layers
        ]
    if encoder is not None:
        # Prompts change no image; all else of the encoder's fingerprint may.
        identity = {k: v for k, v in encoder.fingerprint().items() if k != "templates"}
        keys.append(
            {
                "kind": "image_embeddings",
                "encoder": identity,
                **images,
                "precision": identity.get("precision", "float32"),
                **rounded,
                "extractor": EXTRACTOR_VERSION,
            }
        )
    return keys
