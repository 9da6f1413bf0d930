"""The parts that one job chose, built from its configuration."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.base import CLOSED
from bench.config.schema import NONE, SAME
from bench.config.validate import directions_of, layout_settings
from bench.errors import UserError
from bench.evidence.layouts import layouts_of
from bench.parts import catalog
from bench.parts.optional_protocols import GivesEmbeddings
from bench.parts.protocols import SegmentedProbe
from bench.parts.sentences import NoSentenceEncoder
from bench.parts.superclasses import SuperclassMasks, read_superclasses
from bench.parts.targets import expand_layers
from bench.run.build import Parts
from bench.run.decision_setup import DecisionSetup, build_decision_setup
from bench.run.identity import fingerprint, words_of
from bench.run.target_control import apply_control
from metrics.formulas import clean_mask_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omegaconf import DictConfig

    from baselines.base import Method
    from baselines.spatial import ExemplarRule, MaskLabel, Masks
    from bench.errors import LayerError
    from bench.networks.layout import Layout
    from bench.parts.directions import Directions
    from bench.parts.protocols import (
        CaptionerPart,
        ConceptSet,
        Encoder,
        Fingerprint,
        Probe,
        Segmenter,
        SentenceEncoder,
        Target,
        Truth,
    )
    from bench.parts.registry import Registry
    from bench.parts.superclasses import Superclasses
    from metrics.truth import TrueName

log = logging.getLogger(__name__)

MASK_NEEDS = frozenset({"masks", "pseudo_masks"})
ENCODER_NEEDS = frozenset({"image_embeddings", "concept_embeddings", "image_text"})


@dataclass(frozen=True)
class Selection:
    """The parts of one job; building them loads no network.

    Attributes:
        config: The job's configuration.
        names: Registered name of each part, by role.
        method: The method.
        target: The network whose units are described.
        truth: True names of units.
        probe: The probe set.
        concepts: The configured concept set, which some methods do without.
        encoder: The labelling encoder; None where the method needs none.
        segmenter: The model that makes masks; None where the method needs none.
        captioner: The model that writes sentences; None where the method needs none.
        sentence: The sentence encoder that judges labels.
        clip_text: The image-text model whose text tower scores `clip_cosine`; None for no such
            score.
    """

    config: DictConfig
    names: dict[str, str]
    method: Method
    target: Target
    truth: Truth
    probe: Probe
    concepts: ConceptSet
    encoder: Encoder | None
    segmenter: Segmenter | None
    captioner: CaptionerPart | None
    sentence: SentenceEncoder
    clip_text: Encoder | None

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The configured layers, patterns expanded, in order, without duplicates.

        Raises:
            UserError: A pattern matches no layer.
        """
        return expand_layers(self.target, self.config.target.layers)

    @cached_property
    def layouts(self) -> dict[str, Layout | LayerError]:
        """How each layer is read, or why it cannot be read.

        Raises:
            UserError: The network cannot be built.
        """
        cache = Path(self.config.runtime.cache).expanduser()
        settings = layout_settings(self.config)
        for name in settings.unused(self.layers):
            _warn_once(f"target.axes names {name}, which is not among target.layers")
        return layouts_of(self.target, self.layers, settings, cache)

    @cached_property
    def directions(self) -> Directions | None:
        """The directions that are described in place of the layers' units; None for the units."""
        return directions_of(self.config)

    @property
    def target_fingerprint(self) -> Fingerprint:
        """The fingerprint of the target, and of the directions where there are any."""
        own = fingerprint(self.target)
        if self.directions is None:
            return own
        return {**own, "directions": dict(self.directions.fingerprint())}

    @property
    def uses_masks(self) -> bool:
        """Whether the method reads masks, whose labels then are the candidate labels."""
        return bool(MASK_NEEDS & self.method.needs)

    @property
    def free_text(self) -> bool:
        """Whether the method writes labels of its own, without candidates."""
        return self.method.vocabulary == "free text"

    @property
    def uses_concepts(self) -> bool:
        """Whether the candidate labels are the configured concept set."""
        return not self.uses_masks and not self.free_text

    @property
    def closed(self) -> bool:
        """Whether labels are among `words`, which a full matrix of scores ranks."""
        return self.method.vocabulary in CLOSED

    @cached_property
    def segmented_probe(self) -> SegmentedProbe | None:
        """The probe set, where the method reads the masks that come with it.

        Raises:
            UserError: The method needs the probe set's masks, and it has none.
        """
        if not self.uses_masks or (self.segmenter and not self.segmenter.uses_probe_masks):
            return None
        if not isinstance(self.probe, SegmentedProbe):
            probes = catalog.PROBES
            names = [name for name in probes.names() if hasattr(probes.get(name), "masks")]
            raise UserError(
                f"{self.names['method']} needs masks, and the probe set "
                f"{self.names['probe']} has none",
                where="probe",
                hint=f"choose a probe set with masks ({', '.join(names)}), or write yours as a "
                "tree in Broden's layout",
            )
        return self.probe

    @cached_property
    def superclasses(self) -> Superclasses | None:
        """The superclasses that the method adds to the probe set's labels; None for none.

        Raises:
            UserError: They do not fit the labels.
        """
        setting: str = getattr(self.method, "superclasses", NONE)
        if setting == NONE or self.segmented_probe is None:
            return None
        return read_superclasses(setting, self.segmented_probe)

    def probe_masks(self) -> Masks | None:
        """Return the probe set's masks, with superclasses; None where the method reads none."""
        if self.segmented_probe is None:
            return None
        masks = self.segmented_probe.masks(Path(self.config.runtime.cache).expanduser())
        return SuperclassMasks(masks, self.superclasses) if self.superclasses else masks

    @cached_property
    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """The labels of the masks; none where the method reads no masks."""
        if self.segmented_probe:
            more = self.superclasses.labels if self.superclasses else ()
            return (*self.segmented_probe.mask_labels(), *more)
        return self.segmenter.labels() if self.segmenter else ()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The candidate labels: the concept set, or the names of the masks' labels; or none."""
        if self.free_text:
            return ()
        if self.uses_masks:
            return tuple(clean_mask_label(label.name) for label in self.mask_labels)
        return words_of(self.concepts)

    @property
    def exemplar_settings(self) -> tuple[ExemplarRule, int]:
        """Which exemplars the method reads, and the side in pixels of the captioner's images."""
        assert self.captioner is not None
        rule: ExemplarRule = self.method.exemplar_rule  # type: ignore[attr-defined]
        return rule, self.captioner.image_size

    @cached_property
    def decisions(self) -> DecisionSetup | None:
        """The network and images whose decisions are scored; None where they are not scored."""
        return build_decision_setup(self.config, self.target, self.truth, self.probe)

    @cached_property
    def all_true_names(self) -> Mapping[int, TrueName]:
        """True names by unit, of the one layer that the truth is about."""
        return self.truth.names()

    def true_names(self, layer: str) -> Mapping[int, TrueName]:
        """Return true names by unit; empty for a layer that the truth is not about.

        Raises:
            UserError: There are several layers, a truth, and no `target.truth_layer`.
        """
        names = self.all_true_names
        truth_layer = self.config.target.truth_layer
        if not truth_layer and names and len(self.layers) > 1:
            raise UserError(
                "there are several layers, and it is not set which one the truth names",
                where="target.truth_layer",
                hint=f"add target.truth_layer={self.layers[-1]}, or another of the layers",
            )
        return names if truth_layer in ("", layer) else {}


def build_selection(config: DictConfig, parts: Parts | None = None) -> Selection:
    """Build every part that a composed configuration names.

    Args:
        config: A job's configuration.
        parts: Those of other jobs of the request, which are built once; None for a single job.

    Raises:
        UserError: A part or one of its parameters is invalid.
    """
    names: dict[str, str] = {}
    shared = parts or Parts()

    def build(registry: Registry[Any], node: DictConfig, where: str) -> Any:
        names[where.rpartition(".")[2]] = node.name
        return shared.build(registry, node, where)

    method: Method = build(catalog.METHODS, config.method, "method")
    needs_encoder = bool(ENCODER_NEEDS & method.needs)
    encoder = build(catalog.ENCODERS, config.encoder, "encoder") if needs_encoder else None
    segmenter = captioner = None
    if "pseudo_masks" in method.needs:
        segmenter = build(catalog.SEGMENTERS, config.segmenter, "segmenter")
    if "captioner" in method.needs:
        captioner = build(catalog.CAPTIONERS, config.captioner, "captioner")
    sentence = build(catalog.SENTENCES, config.scoring.sentence, "scoring.sentence")
    clip_text = encoder
    if config.scoring.clip_text.name == NONE:
        clip_text = None
    elif config.scoring.clip_text.name != SAME:
        clip_text = build(catalog.ENCODERS, config.scoring.clip_text, "scoring.clip_text")
    elif encoder is None and not isinstance(sentence, NoSentenceEncoder):
        # The configured encoder judges methods without an encoder: one judge for all rows.
        clip_text = build(catalog.ENCODERS, config.encoder, "encoder")
    if config.scoring.clip_text.name == SAME and isinstance(clip_text, GivesEmbeddings):
        clip_text = None  # it has no embeddings of the true names
    return Selection(
        config=config,
        names=names,
        method=method,
        target=apply_control(build(catalog.TARGETS, config.target, "target"), config.target),
        truth=build(catalog.TRUTHS, config.target.truth, "target.truth"),
        probe=build(catalog.PROBES, config.probe, "probe"),
        concepts=build(catalog.CONCEPTS, config.concepts, "concepts"),
        encoder=encoder,
        segmenter=segmenter,
        captioner=captioner,
        sentence=sentence,
        clip_text=clip_text,
    )


@lru_cache(maxsize=64)
def _warn_once(message: str) -> None:
    log.warning("%s", message)
