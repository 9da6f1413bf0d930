"""Score the labels of a record by the activations that they predict on held-out images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.config.schema import NONE
from bench.config.validate import directions_of, layout_settings
from bench.evidence import EvidenceRequest, Store, gather
from bench.parts import catalog
from bench.parts.concept_images import plain_name
from bench.parts.protocols import SegmentedProbe
from bench.parts.superclasses import read_superclasses
from bench.parts.targets.patterns import expand_layers
from bench.run.build import build_part
from bench.run.device import execution_of, resolve_device
from bench.run.faithfulness_costs import check_costs
from bench.run.held_out import held_out
from bench.run.identity import fingerprint, fingerprint_of_masks, params_of, words_of
from bench.run.labels import lists_by_unit
from bench.run.presence import (
    concept_presence,
    has_operators,
    known_columns,
    label_presence,
    leaf_texts,
    superclass_presence,
)
from bench.run.presence_judge import ImageTextCosines
from bench.run.target_control import apply_control
from bench.timing import Timer
from leaderboards.faithfulness import FaithfulnessSet
from metrics.faithfulness_scores import score_concept_images, score_faithfulness
from metrics.observations import Observations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from omegaconf import DictConfig

    from bench.parts.concept_images import ConceptImages
    from bench.parts.protocols import Probe
    from bench.run.presence import Presence
    from bench.run.presence_judge import PresenceJudge
    from leaderboards.record import Record
    from metrics.faithfulness_scores import Faithfulness
    from metrics.numeric import Floats

_CANDIDATES = 500
"""Most words of a concept set by which a judge's chance level and ceiling are found."""


@dataclass(frozen=True)
class FaithfulnessOptions:
    """How labels are compared with units.

    Attributes:
        names: Metrics.
        alpha: Share of the images on which a unit counts as active.
        chosen: Whether the configuration says where the held-out images start; else they follow
            the record's own.
        judge: Says which images show a label; None where masks or classes do.
        images: Images of concepts, which are compared with the held-out images; None for none.
    """

    names: Sequence[str]
    alpha: float
    chosen: bool = False
    judge: PresenceJudge | None = None
    images: ConceptImages | None = None


def measure_faithfulness(
    record: Record,
    descriptions: pd.DataFrame,
    config: DictConfig,
    options: FaithfulnessOptions,
    own_probe: DictConfig,
) -> tuple[FaithfulnessSet, pd.DataFrame]:
    """Score a record's labels on held-out images.

    Args:
        record: The record of the labels.
        descriptions: The labels: unit, rank, label, score.
        config: The record's configuration, with other settings of the probe set where wanted.
        options: How to compare.
        own_probe: Section `probe` of the record's own configuration.

    Returns:
        The scores, and a table of units: unit, label, and one column per metric.

    Raises:
        UserError: The network or the images are not on this machine; the images are those that the
            labels were made with, too many, or nothing is known of what they show.
    """
    layer = _Layer(record, config)
    probe = held_out(record, config, options.chosen)
    check_costs(
        record,
        config,
        layer.request(probe),
        layer.store,
        masks=not options.images and not options.judge,
        embeddings=options.judge is not None,
    )
    ranked, _ = lists_by_unit(descriptions, record.target["units"])
    labels = [own[0] if own else "" for own in ranked]
    circular = False
    if options.images:
        presence = {
            "kind": "images",
            "name": Path(options.images.path).name,
            "fingerprint": dict(fingerprint(options.images.probe)),
        }
        found = layer.compare_images(probe, options.images, labels, options.names)
    elif options.judge:
        circular = options.judge.shares_text_tower(record)
        own = build_part(catalog.PROBES, own_probe, "probe")
        presence, found = layer.ask_judge(probe, options.judge, own, labels, options)
    else:
        masks = fingerprint_of_masks(probe) if isinstance(probe, SegmentedProbe) else {}
        presence = {"kind": "annotations", "fingerprint": dict(masks)}
        shown, columns, known = _annotated(probe, labels, config, own_probe)
        found = layer.observe(probe, shown, columns, known, options)
    setting = {
        "probe": {
            "name": config.probe.name,
            "params": params_of(probe),
            "fingerprint": dict(fingerprint(probe)),
            "n": len(probe),
        },
        "presence": presence,
        "alpha": None if options.images else options.alpha,
        "seed": config.scoring.seed,
    }
    units = pd.DataFrame({"unit": range(len(labels)), "label": labels, **found.values})
    return FaithfulnessSet(setting, found.scores, circular), units


def observe_labels(
    record: Record,
    descriptions: pd.DataFrame,
    config: DictConfig,
    own_probe: DictConfig,
    *,
    chosen: bool,
) -> tuple[Floats, Presence, NDArray[np.int64]]:
    """Return what is known of a record's labels on held-out images, by masks or classes.

    Args:
        record: As in `measure_faithfulness`.
        descriptions: As there.
        config: As there.
        own_probe: As there.
        chosen: Whether the configuration says where the held-out images start.

    Returns:
        Activations [N, U]; the presence of L different labels [N, L]; the column of each unit's
        label [U], negative for none and for an unknown one.

    Raises:
        UserError: As `measure_faithfulness`.
    """
    layer = _Layer(record, config)
    probe = held_out(record, config, chosen)
    check_costs(record, config, layer.request(probe), layer.store, masks=True, embeddings=False)
    ranked, _ = lists_by_unit(descriptions, record.target["units"])
    labels = [own[0] if own else "" for own in ranked]
    shown, columns, known = _annotated(probe, labels, config, own_probe)
    first = shown.shape[1]
    own = np.where(columns >= first, columns - first, columns)
    return layer.activations(probe), known[:, first:], own


def _annotated(
    probe: Probe, labels: Sequence[str], config: DictConfig, own_probe: DictConfig
) -> tuple[Presence, NDArray[np.int64], Presence]:
    """Return the presence of a probe set's concepts, and what `label_presence` does of labels."""
    names, shown = concept_presence(probe, Path(config.runtime.cache).expanduser())
    columns = known_columns(labels, names, shown)
    setting = config.method.params.get("superclasses", NONE)
    if setting != NONE:
        own = build_part(catalog.PROBES, own_probe, "probe")
        assert isinstance(own, SegmentedProbe)  # the method has read its labels
        above = read_superclasses(setting, own)
        columns = superclass_presence(above, own.mask_labels(), names, shown) | columns
    return (shown, *label_presence(labels, shown, columns))


class _Layer:
    """The layer of a record, which is compared with its labels."""

    def __init__(self, record: Record, config: DictConfig) -> None:
        self._layer, self._config = record.target["layer"], config
        self._target = apply_control(
            build_part(catalog.TARGETS, config.target, "target"), config.target
        )
        self._execution = execution_of(config, resolve_device(config))
        self.store = Store(config.runtime.cache)
        self._seed = config.scoring.seed
        self.cache = Path(config.runtime.cache).expanduser()

    def request(self, probe: Probe) -> EvidenceRequest:
        """Return the request for the pooled activations on some images.

        The other layers of the run are gathered in the same pass, for their records.
        """
        return EvidenceRequest(
            self._target,
            [self._layer],
            probe,
            extra_layers=expand_layers(self._target, self._config.target.layers),
            layout=layout_settings(self._config),
            execution=self._execution,
            directions=directions_of(self._config),
        )

    def activations(self, probe: Probe) -> Floats:
        """Return the pooled activations on some images, float64 [N, U]."""
        timer = Timer(self._execution.device)
        gathered = gather(self.request(probe), store=self.store, timer=timer)
        found: Floats = gathered.activations(self._layer).cpu().numpy().astype(np.float64)
        return found

    def observe(
        self,
        probe: Probe,
        concepts: Presence,
        columns: NDArray[np.int64],
        presence: Presence,
        options: FaithfulnessOptions,
    ) -> Faithfulness:
        """Compare units with the presence of concepts, and of labels, on the same images."""
        observed = Observations(self.activations(probe), presence, options.alpha)
        return score_faithfulness(
            observed, columns, concepts.shape[1], names=options.names, seed=self._seed
        )

    def ask_judge(
        self,
        probe: Probe,
        judge: PresenceJudge,
        own: Probe,
        labels: Sequence[str],
        options: FaithfulnessOptions,
    ) -> tuple[dict[str, Any], Faithfulness]:
        """Compare units with what a judge sees; `own` are the images of the labels."""
        import torch

        cosines = ImageTextCosines(judge.encoder, self._target, self.store, self._execution)
        calibration = judge.calibration
        if calibration is None:
            calibration = cosines.fit(own, *concept_presence(own, self.cache))
        words = words_of(build_part(catalog.CONCEPTS, self._config.concepts, "concepts"))
        few = np.unique(np.linspace(0, len(words) - 1, _CANDIDATES).astype(np.int64))
        candidates = [words[at] for at in few]
        texts = [text for text in leaf_texts(labels) if not has_operators(text)]
        shown, named = (
            calibration.probabilities(torch.from_numpy(cosines.compute(probe, names))).numpy()
            for names in (candidates, texts)
        )
        columns = dict(zip(texts, named.T, strict=True))
        found = self.observe(probe, shown, *label_presence(labels, shown, columns), options)
        return judge.describe(calibration), found

    def compare_images(
        self, control: Probe, images: ConceptImages, labels: Sequence[str], names: Sequence[str]
    ) -> Faithfulness:
        """Compare images of concepts with control images."""
        concepts = {name: images.positions(name) for name in images.names}
        shown = np.zeros((len(images.probe), len(concepts)), np.bool_)
        for at, own in enumerate(concepts.values()):
            shown[own, at] = True
        # A folder's name cannot have all the signs of a label.
        plain = [name if (name := plain_name(label)) in concepts else label for label in labels]
        columns = known_columns(plain, list(concepts), shown)
        codes, presence = label_presence(plain, shown, columns)
        positions = [np.flatnonzero(own) for own in presence.T]
        return score_concept_images(
            self.activations(control),
            self.activations(images.probe),
            positions,
            codes,
            len(concepts),
            names=names,
            seed=self._seed,
        )
