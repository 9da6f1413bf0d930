"""The parts of one job, built from its config, and what they say of themselves."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from baselines.base import CLOSED
from bench.config.validate import layout_settings
from bench.errors import LayerError, UserError
from bench.evidence.layouts import layouts_of
from bench.parts import catalog
from bench.parts.protocols import SegmentedProbe
from bench.parts.sentences import NoSentenceEncoder
from bench.parts.targets import expand_layers
from bench.parts.targets.patterns import may_name
from bench.parts.truths.official import official_texts
from bench.run.decision_settings import Deciding, classifier_of, deciding, describe_decisions
from bench.run.identity import (
    describe_truth,
    fingerprint,
    fingerprint_of_masks,
    label_key,
    params_of,
    words_of,
)
from bench.run.judges import NONE, SAME, describe_models, describe_reading, embeds_officially
from leaderboards.hashing import words_sha256
from metrics.formulas import clean_mask_label, formula_reader
from metrics.labels import normalise
from metrics.sentences import SentenceReader

if TYPE_CHECKING:
    from baselines.base import Method
    from baselines.spatial import ExemplarRule, MaskLabel
    from bench.networks.layout import Layout
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
    from bench.parts.truths.official import OfficialTexts
    from metrics.formulas import Reader
    from metrics.truth import TrueName

log = logging.getLogger(__name__)

MASK_NEEDS = frozenset({"masks", "pseudo_masks"})
ENCODER_NEEDS = frozenset({"image_embeddings", "concept_embeddings", "image_text"})


@dataclass(frozen=True)
class Parts:
    """Everything that one job puts together; building it loads no network.

    Attributes:
        names: Registered name of each part, by role.
        encoder: The labelling encoder; None where the method declares no need of one.
        segmenter: What makes the masks; None where the method declares no need of one.
        captioner: What writes the sentences; None where the method declares no need of one.
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
        """The layers that were asked for, patterns expanded, in order, without duplicates.

        Raises:
            UserError: A pattern matches no layer.
        """
        return expand_layers(self.target, self.config.target.layers)

    @cached_property
    def layouts(self) -> dict[str, Layout | LayerError]:
        """How each layer is read, or why it cannot be.

        Raises:
            UserError: The network cannot be built.
        """
        cache = Path(self.config.runtime.cache).expanduser()
        settings = layout_settings(self.config)
        for name in settings.unused(self.layers):
            _warn_once(f"target.axes names {name}, which is none of target.layers")
        return layouts_of(self.target, self.layers, settings, cache)

    def _reading(self, layer: str) -> dict[str, Any]:
        """What the key says of how a layer is read."""
        layout = self.layouts[layer]
        if isinstance(layout, LayerError):
            # Older versions read such a layer somehow: what they made of it must not be found.
            return {"pooling": self.config.target.pooling, "reading": "unknown"}
        return {"pooling": layout.key_pooling, **layout.key_part()}

    @property
    def uses_masks(self) -> bool:
        """Whether the method is given masks, and so their labels in place of a concept set."""
        return bool(MASK_NEEDS & self.method.needs)

    @property
    def free_text(self) -> bool:
        """Whether the method says what it likes, in words of its own."""
        return self.method.vocabulary == "free text"

    @property
    def uses_concepts(self) -> bool:
        """Whether the method's words are the configured concept set."""
        return not self.uses_masks and not self.free_text

    @cached_property
    def segmented_probe(self) -> SegmentedProbe | None:
        """The probe, where the method is given its own masks."""
        if not self.uses_masks or (self.segmenter and not self.segmenter.uses_probe_masks):
            return None
        if not isinstance(self.probe, SegmentedProbe):
            raise UserError(
                f"{self.names['method']} needs masks, and the probe set "
                f"{self.names['probe']} has none",
                where="probe",
                valid=[
                    n for n in catalog.PROBES.names() if hasattr(catalog.PROBES.get(n), "masks")
                ],
                hint="choose a probe set with masks, or write yours as a tree in Broden's layout",
            )
        return self.probe

    @cached_property
    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """The labels of the masks; none where the method is given no masks."""
        if self.segmented_probe:
            return self.segmented_probe.mask_labels()
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
    def closed(self) -> bool:
        """Whether labels are members of `words`, and a full matrix ranks these."""
        return self.method.vocabulary in CLOSED

    @property
    def exemplar_settings(self) -> tuple[ExemplarRule, int]:
        """Which exemplars the method wants, and the side of the images that the captioner wants."""
        assert self.captioner is not None
        rule: ExemplarRule = self.method.exemplar_rule  # type: ignore[attr-defined]
        return rule, self.captioner.image_size

    def describe_concepts(self) -> dict[str, Any]:
        """What the labels were chosen from: {name, params, sha256, n}.

        Mask labels that are the words of the configured concept set, in whatever order, go by its
        name: then two methods chose from the same words.
        """
        words = self.words
        if self.free_text:
            return {"name": "free text", "params": {}, "sha256": words_sha256(words), "n": 0}
        name, params = self.names["concepts"], params_of(self.concepts)
        if self.uses_masks:
            listed = words_of(self.concepts)
            if {normalise(word) for word in listed} == {normalise(word) for word in words}:
                words = listed
            else:
                name, params = "mask_labels", {}
        return {"name": name, "params": params, "sha256": words_sha256(words), "n": len(words)}

    def describe_given(self) -> str:
        """What the method was given beyond images.

        A probe set may have `masks_given`, where what serves as its masks is better called
        otherwise.
        """
        masks = getattr(self.segmented_probe, "masks_given", "masks")
        if "pseudo_masks" in self.method.needs and self.segmented_probe:
            return str(masks)
        if self.captioner is None:
            told = self.method.given
            return told.replace("masks", masks) if self.segmented_probe else told
        also = ENCODER_NEEDS & self.method.needs and "captions" not in self.captioner.given
        return f"{self.captioner.given}, captions" if also else self.captioner.given

    def _masks_identity(self) -> Fingerprint | None:
        if self.segmented_probe:
            return fingerprint_of_masks(self.segmented_probe)
        return fingerprint(self.segmenter) if self.segmenter else None

    def true_names(self, layer: str) -> dict[int, TrueName]:
        """True names by unit; empty for a layer that the truth is not about.

        Raises:
            UserError: Several layers, a truth, and no word which layer it names.
        """
        names = dict(self.truth.names())
        about = self.config.target.truth_layer
        if not about and names and len(self.layers) > 1:
            raise UserError(
                "several layers are asked for and the truth does not say which one it names",
                where="target.truth_layer",
                valid=self.layers,
                hint=f"add target.truth_layer={self.layers[-1]}",
            )
        return names if not about or about == layer else {}

    def judged(self, layer: str) -> bool:
        """Whether a layer's labels are set against names: its units', or those of decisions."""
        decided = self.deciding if classifier_of(self.config, layer) else None
        return bool(self.true_names(layer) or (decided and decided.names))

    @property
    def may_be_judged(self) -> bool:
        """Whether some asked layer may be `judged`, as far as that is known without the network."""
        if self.deciding and self.deciding.names:
            return True
        about = self.config.target.truth_layer
        return bool(self.truth.names()) and (
            not about or may_name(self.config.target.layers, about)
        )

    def reader(self, layer: str) -> Reader | None:
        """How labels are read.

        Sentences are searched for the layer's true names, formulas of mask labels are read name by
        name; all other labels say themselves.
        """
        if self.free_text:
            return SentenceReader(self.true_names(layer).values())
        if self.closed or not self.uses_masks:
            return None
        return formula_reader({label.name: label.category for label in self.mask_labels})

    @property
    def mask_labels_as_written(self) -> tuple[str, ...]:
        """Names of the masks' labels with their marks, in the order of `words`."""
        return tuple(label.name for label in self.mask_labels) if self.closed else ()

    def official_texts(self, layer: str) -> OfficialTexts | None:
        """What is embedded in place of mask labels under the official rules."""
        if embeds_officially(self, layer) and self.mask_labels_as_written:
            return official_texts(self.truth)
        return None

    @cached_property
    def deciding(self) -> Deciding | None:
        """What decisions are read from; None where they are not scored."""
        return deciding(self.config, self.target, self.truth, self.probe)

    @property
    def withheld(self) -> dict[str, str]:
        """Columns of the table of units that cannot be had: none of a method that was run."""
        return {}

    def describe_method(self) -> dict[str, Any]:
        """Name, all parameters with their defaults, version: what decides labels."""
        return {
            "name": self.names["method"],
            "params": params_of(self.method),
            "version": self.method.version,
        }

    def key(self, layer: str) -> str:
        """The label key of one layer."""
        return label_key(
            self.describe_method(),
            {
                "fingerprint": fingerprint(self.target),
                "layer": layer,
                "precision": self.config.target.precision,
                **self._reading(layer),
            },
            fingerprint(self.probe),
            words_sha256(self.words) if self.uses_concepts else "",
            fingerprint(self.encoder) if self.encoder else None,
            self.config.seed,
            self._masks_identity(),
            fingerprint(self.captioner) if self.captioner else None,
            tf32=self.config.runtime.tf32,
        )

    def scoring(self, layer: str) -> dict[str, Any]:
        """What decides the scores, besides the labels: truth, scorers, rules."""
        return {
            "truth": describe_truth(self.names["truth"], self.true_names(layer)),
            **describe_models(self, layer),
            "rules": {"official_labels": self.config.scoring.official_labels},
            **describe_reading(self, layer),
            "seed": self.config.scoring.seed,
            **describe_decisions(self.config, layer, self.deciding),
        }


def build_parts(config: DictConfig) -> Parts:
    """Build every part that a composed config names.

    Raises:
        UserError: A part or one of its parameters is not as it must be.
    """
    names: dict[str, str] = {}

    def build(registry: Registry[Any], node: DictConfig, where: str) -> Any:
        names[where.rpartition(".")[2]] = node.name
        params = OmegaConf.to_container(node.params, resolve=True)
        return registry.build(node.name, params, where=where)  # type: ignore[arg-type]

    method: Method = build(catalog.METHODS, config.method, "method")
    needs_encoder = bool(ENCODER_NEEDS & method.needs)
    encoder = build(catalog.ENCODERS, config.encoder, "encoder") if needs_encoder else None
    segmenter = None
    if "pseudo_masks" in method.needs:
        segmenter = build(catalog.SEGMENTERS, config.segmenter, "segmenter")
    captioner = None
    if "captioner" in method.needs:
        captioner = build(catalog.CAPTIONERS, config.captioner, "captioner")
    sentence = build(catalog.SENTENCES, config.scoring.sentence, "scoring.sentence")
    clip_text = encoder
    if config.scoring.clip_text.name == NONE:
        clip_text = None
    elif config.scoring.clip_text.name != SAME:
        clip_text = build(catalog.ENCODERS, config.scoring.clip_text, "scoring.clip_text")
    elif encoder is None and not isinstance(sentence, NoSentenceEncoder):
        # The configured encoder also judges a method that does without: one judge for all rows.
        clip_text = build(catalog.ENCODERS, config.encoder, "encoder")
    return Parts(
        config=config,
        names=names,
        method=method,
        target=build(catalog.TARGETS, config.target, "target"),
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
    """Say something that planning and running both come across."""
    log.warning("%s", message)
