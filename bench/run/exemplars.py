"""Exemplars of a target on a probe set, without a method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.config.validate import directions_of, layout_settings
from bench.evidence import EvidenceRequest, Store, gather, gather_exemplars, has_exemplars
from bench.parts import catalog
from bench.parts.targets import expand_layers
from bench.run.build import build_part
from bench.run.device import execution_of, resolve_device
from bench.run.identity import params_of
from bench.run.target_control import apply_control
from bench.timing import Timer
from leaderboards.unique_names import title

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from baselines.spatial import ExemplarRule
    from bench.evidence import StoredExemplars
    from bench.parts.protocols import Probe, Target


@dataclass(frozen=True)
class ExemplarSource:
    """A target and a probe set with their evidence cache.

    Attributes:
        config: A composed configuration; its method and concepts are not read.
        target: The network.
        probe: The images.
        store: The evidence cache.
    """

    config: DictConfig
    target: Target
    probe: Probe
    store: Store

    @classmethod
    def of(cls, config: DictConfig) -> ExemplarSource:
        """Build the parts.

        Raises:
            UserError: A part or one of its parameters is invalid.
        """
        return cls(
            config,
            apply_control(build_part(catalog.TARGETS, config.target, "target"), config.target),
            build_part(catalog.PROBES, config.probe, "probe"),
            Store(config.runtime.cache),
        )

    @property
    def layers(self) -> list[str]:
        """The configured layers, patterns expanded, in order, without duplicates."""
        names = [name.strip() for name in self.config.target.layers]
        return list(expand_layers(self.target, names))

    @property
    def model(self) -> str:
        """The target in a few words, such as "torchvision resnet18"."""
        return title(self.config.target.name, params_of(self.target))

    @property
    def dataset(self) -> str:
        """The probe set in a few words and its size, such as "glyphs val 4000"."""
        return f"{title(self.config.probe.name, params_of(self.probe))} {len(self.probe)}"

    def names(self, layer: str) -> dict[int, str]:
        """Return true names of a layer's units; none for a layer that the truth is not about.

        Raises:
            UserError: The truth is invalid.
        """
        target = self.config.target
        if layer != (target.truth_layer or (self.layers[0] if len(self.layers) == 1 else "")):
            return {}
        truth = build_part(catalog.TRUTHS, target.truth, "target.truth")
        return {unit: name.name for unit, name in truth.names().items()}

    def gather(self, rule: ExemplarRule, size: int) -> dict[str, StoredExemplars]:
        """Return each layer's exemplars, from the cache where it has them.

        Args:
            rule: Which images are exemplars, and where in them a unit fires.
            size: Side of images and masks in pixels.

        Raises:
            UserError: The target lacks a layer, an image cannot be read, or the part of an image
                that the target sees is unknown.
        """
        device = resolve_device(self.config)
        timer = Timer(device)
        request = EvidenceRequest(
            self.target,
            self.layers,
            self.probe,
            layout=layout_settings(self.config),
            execution=execution_of(self.config, device),
            directions=directions_of(self.config),
        )
        maps = not has_exemplars(request, rule, size, store=self.store)
        request = replace(request, maps=maps)
        gathered = gather(request, store=self.store, timer=timer)
        return {
            layer: gather_exemplars(
                request, gathered, layer, rule, size, store=self.store, timer=timer
            )
            for layer in request.layers
        }
