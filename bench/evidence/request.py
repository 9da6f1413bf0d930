"""What to gather from one pass over a probe set."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bench.errors import LayerError
from bench.evidence.layouts import layouts_of
from bench.evidence.maps import ROWS
from bench.networks.execution import Execution
from bench.networks.layout import LayoutSettings
from bench.networks.pooling import MODES
from bench.networks.precision import key_part
from bench.parts.optional_protocols import GivesArrays, GivesEmbeddings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.evidence.store import Store
    from bench.networks.layout import Layout
    from bench.parts.directions import Directions
    from bench.parts.protocols import Encoder, Probe, Target

EXTRACTOR_VERSION = 1
"""Increase when activations, maps or embeddings of equal key parts change."""


@dataclass(frozen=True)
class EvidenceRequest:
    """What to gather from one pass over a probe set, and how to run the networks.

    Attributes:
        target: The network.
        layers: Its layers, as module paths, without duplicates; none to gather embeddings alone.
        probe: The images.
        encoder: The image-text model; None where no method needs embeddings.
        layout: How the layers are pooled, and what their axes are.
        execution: Device, batch size, precision and the like.
        maps: Whether to gather the maps of `layers`.
        extra_layers: Further layers, of which only pooled activations are gathered.
        directions: What is described in place of the units of `layers`; None for the units. Not
            part of the keys: evidence of the units is gathered, cached, and projected when read.
    """

    target: Target
    layers: Sequence[str]
    probe: Probe
    encoder: Encoder | None = None
    layout: LayoutSettings = field(default_factory=LayoutSettings)
    execution: Execution = field(default_factory=Execution)
    maps: bool = False
    extra_layers: Sequence[str] = ()
    directions: Directions | None = None

    def __post_init__(self) -> None:
        layers = tuple(dict.fromkeys(name.strip() for name in self.layers))
        extra = dict.fromkeys(name.strip() for name in self.extra_layers)
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "extra_layers", tuple(n for n in extra if n not in layers))

    @property
    def pooled_layers(self) -> tuple[str, ...]:
        """All layers of which pooled activations are gathered."""
        return (*self.layers, *self.extra_layers)

    @property
    def run_layers(self) -> tuple[str, ...]:
        """Layers whose activations come from a network; none where the target gives arrays."""
        return () if isinstance(self.target, GivesArrays) else self.pooled_layers

    @property
    def map_layers(self) -> tuple[str, ...]:
        """Layers of which a network's maps are gathered.

        The largest value of a direction's map does not follow from the pooled units.
        """
        wanted = self.maps or (self.directions is not None and self.layout.pooling == "max")
        return tuple(self.layers) if wanted and self.run_layers else ()

    def members(self) -> tuple[EvidenceRequest, ...]:
        """Split a request for a union of probe sets, so that cached evidence is reused.

        A union has an attribute `members`: the probe sets whose images, in order, are its own. An
        image's activations and embeddings do not depend on the set that it is shown in.

        Returns:
            One request for each member, those of nested unions included; else this one.
        """
        probes: Sequence[Probe] = getattr(self.probe, "members", ())
        split = [request for probe in probes for request in replace(self, probe=probe).members()]
        return tuple(split) or (self,)

    def layouts(self, store: Store) -> dict[str, Layout]:
        """Find how each layer is read.

        Raises:
            LayerError: The layout of a layer cannot be found; the first such layer.
        """
        layouts = {}
        for layer, layout in layouts_of(
            self.target, self.pooled_layers, self.layout, store.root
        ).items():
            if isinstance(layout, LayerError):
                raise layout
            if self.directions and layout.pooling == "max" and not layout.pools_maps:
                raise LayerError(
                    layer,
                    f"the largest value of a direction over the positions of {layer} is unknown: "
                    "only maps are kept",
                    where="target.pooling",
                    hint="target.pooling=avg takes the average over the positions",
                )
            layouts[layer] = layout
        return layouts

    def keys(self, layouts: Mapping[str, Layout]) -> list[dict[str, Any]]:
        """Return the key parts of each cache entry: everything that decides its content.

        Args:
            layouts: Of all layers.

        Returns:
            Keys of the pooled activations of `run_layers`; then of the maps of `map_layers`; then
            of the image embeddings, where there is an encoder that does not give them as arrays.
        """
        # Once for all keys: the fingerprint of a folder of images looks at each of its files.
        images = {"probe": dict(self.probe.fingerprint()), "n": len(self.probe)}
        network = dict(self.target.fingerprint()) if self.run_layers else {}
        execution = self.execution
        tf32 = key_part(tf32=execution.tf32)
        shared = {
            **images,
            "precision": execution.precision,
            **tf32,
            "extractor": EXTRACTOR_VERSION,
        }
        keys: list[dict[str, Any]] = [
            {
                "kind": "activations",
                "target": network,
                "layer": layer,
                "pooling": list(MODES),
                **layouts[layer].key_part(),
                **shared,
            }
            for layer in self.run_layers
        ]
        keys += [
            {
                "kind": "maps",
                "target": network,
                "layer": layer,
                "rows": ROWS,
                **layouts[layer].maps_key_part(),
                **shared,
            }
            for layer in self.map_layers
        ]
        if self.encoder is not None and not isinstance(self.encoder, GivesEmbeddings):
            # Prompts do not change image embeddings; the rest of the fingerprint may.
            encoder = {k: v for k, v in self.encoder.fingerprint().items() if k != "templates"}
            keys.append(
                {
                    "kind": "image_embeddings",
                    "encoder": encoder,
                    **images,
                    "precision": encoder.get("precision", "float32"),
                    **tf32,
                    "extractor": EXTRACTOR_VERSION,
                }
            )
        return keys
