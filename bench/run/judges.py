"""Judges: the truth, models and rules by which the labels of a record are scored."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench.parts.optional_protocols import HasUnitsWithoutConcept
from bench.parts.targets.patterns import may_name
from bench.parts.truths.official import official_texts
from bench.run.bertscore import describe_bertscore
from bench.run.decision_setup import classifier_of, describe_decisions
from bench.run.identity import describe_truth, fingerprint
from leaderboards.hashing import short_hash
from leaderboards.record import RecordError
from leaderboards.scores import read_scores
from metrics.formulas import FormulaReader
from metrics.sentences import READING_VERSION, SentenceReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from omegaconf import DictConfig

    from bench.parts.protocols import Encoder, SentenceEncoder, Truth
    from bench.parts.truths.official import OfficialTexts
    from bench.run.decision_setup import DecisionSetup
    from bench.run.selection import Selection
    from metrics.formulas import Reader
    from metrics.truth import TrueName

_MODELS = frozenset({"sentence", "clip_text", "bertscore"})
"""Keys of `scoring` that name models."""


@dataclass(frozen=True)
class Judges:
    """Truth, models and rules for labels of unknown origin; subclasses know more of the origin.

    Attributes:
        config: Its `scoring`, `target.truth` and `runtime` count.
        truth: True names of a layer's units.
        sentence: The sentence encoder of the cosines; its fingerprint is empty for none.
        clip_text: The image-text model whose text tower scores `clip_cosine`; None for no such
            score.
    """

    config: DictConfig
    truth: Truth
    sentence: SentenceEncoder
    clip_text: Encoder | None

    @property
    def encoder(self) -> Encoder | None:
        """The labelling encoder; None where there is none, or it is unknown."""
        return None

    @property
    def decisions(self) -> DecisionSetup | None:
        """What decisions are scored on; None where that is unknown, or they are not scored."""
        return None

    @property
    def words(self) -> tuple[str, ...]:
        """The candidate labels, where labels are `closed`."""
        return ()

    @property
    def closed(self) -> bool:
        """Whether labels are among `words`."""
        return False

    @property
    def raw_mask_labels(self) -> tuple[str, ...]:
        """The `words` as in the files of the masks ("street-s"); empty for other labels."""
        return ()

    @property
    def withheld(self) -> Mapping[str, str]:
        """Columns of the table of units that can have no value, with the reason."""
        return {}

    @property
    def free_text(self) -> bool:
        """Whether labels are sentences, which are searched for true names."""
        return False

    @property
    def names_masks(self) -> bool:
        """Whether labels are mask labels, which the official rules embed as published."""
        return False

    def true_names(self, layer: str) -> Mapping[int, TrueName]:
        """Return true names by unit."""
        return self.truth.names()

    def without_concept(self, layer: str) -> frozenset[int]:
        """Return the units of a layer with true names that are known to respond to no concept."""
        if isinstance(self.truth, HasUnitsWithoutConcept) and self.true_names(layer):
            return self.truth.without_concept()
        return frozenset()

    def judged(self, layer: str) -> bool:
        """Return whether there are names to compare the labels with; else no model is needed."""
        return bool(self.true_names(layer))

    def reader(self, layer: str) -> Reader | None:
        """Return what finds names in labels; None where a label is a name itself."""
        return SentenceReader(self.true_names(layer).values()) if self.free_text else None

    def official_texts(self, layer: str) -> OfficialTexts | None:
        """Return the texts that models compare under the official rules; None for plain labels."""
        if (
            self.config.scoring.official_labels
            and self.true_names(layer)
            and (fingerprint(self.sentence) or self.clip_text)
            and self.names_masks
        ):
            return official_texts(self.truth)
        return None

    def scoring(self, layer: str) -> dict[str, Any]:
        """Return what decides the scores of a layer, besides its labels.

        For a layer without names, leave the models out: they do not change its scores.
        """
        models: dict[str, Any] = {"sentence": {}, "clip_text": {}}
        if self.judged(layer):
            models = {
                "sentence": dict(fingerprint(self.sentence)),
                "clip_text": dict(fingerprint(self.clip_text)) if self.clip_text else {},
                **describe_bertscore(self.config.scoring.bertscore),
            }
        return {
            "truth": describe_truth(
                self.config.target.truth.name,
                self.true_names(layer),
                self.without_concept(layer),
            ),
            **models,
            "rules": {"official_labels": self.config.scoring.official_labels},
            **self.reading(layer),
            "seed": self.config.scoring.seed,
            **describe_decisions(self.config, layer, self.decisions),
        }

    def scores_key(self, layer: str, folder: Path) -> str:
        """Return the key of a layer's scores.

        Older releases put the models into the key of a layer without names too. Such scores do not
        depend on the models, so they keep their key and are not computed again.

        Args:
            layer: The layer whose units have labels.
            folder: The record's folder; need not exist.
        """
        scoring = self.scoring(layer)
        if not self.judged(layer):
            wanted = _without_models(scoring)
            for file in sorted(folder.glob("scores/*.json")):
                with suppress(RecordError):  # a damaged file is written again
                    if _without_models(read_scores(file).scoring) == wanted:
                        return file.stem
        return short_hash(scoring)

    def reading(self, layer: str) -> dict[str, Any]:
        """Return how labels are read, where older releases read them differently; else {}."""
        if self.official_texts(layer) is not None:
            return {"reading": {"mask_labels": "as published"}}
        # The official rules look for no inflections, as in older releases.
        official = self.config.scoring.official_labels
        if self.free_text and self.true_names(layer) and not official:
            return {"reading": {"sentences": READING_VERSION}}
        return {}


@dataclass(frozen=True)
class SelectionJudges(Judges):
    """Judges of the labels that a job makes.

    Attributes:
        selection: The job's parts.
    """

    selection: Selection

    @classmethod
    def of(cls, selection: Selection) -> SelectionJudges:
        """Return the judges that a job selected."""
        return cls(
            selection.config,
            selection.truth,
            selection.sentence,
            selection.clip_text,
            selection,
        )

    @property
    def encoder(self) -> Encoder | None:
        """The labelling encoder; None where the method needs none."""
        return self.selection.encoder

    @property
    def decisions(self) -> DecisionSetup | None:
        """What decisions are scored on; None where they are not scored."""
        return self.selection.decisions

    @property
    def words(self) -> tuple[str, ...]:
        """The candidate labels."""
        return self.selection.words

    @property
    def closed(self) -> bool:
        """Whether labels are among `words`."""
        return self.selection.closed

    @property
    def raw_mask_labels(self) -> tuple[str, ...]:
        """The `words` as in the files of the masks ("street-s"); empty for other labels."""
        return tuple(label.name for label in self.selection.mask_labels) if self.closed else ()

    @property
    def free_text(self) -> bool:
        """Whether labels are sentences, which are searched for true names."""
        return self.selection.free_text

    @property
    def names_masks(self) -> bool:
        """Whether labels are mask labels, which the official rules embed as published."""
        return bool(self.raw_mask_labels)

    @cached_property
    def may_judge(self) -> bool:
        """Whether some configured layer may be `judged`, as far as known without the network."""
        if self.decisions and self.decisions.class_names:
            return True
        truth_layer = self.config.target.truth_layer
        return bool(self.selection.all_true_names) and (
            not truth_layer or may_name(self.config.target.layers, truth_layer)
        )

    def true_names(self, layer: str) -> Mapping[int, TrueName]:
        """Return true names by unit; empty for a layer that the truth is not about."""
        return self.selection.true_names(layer)

    def judged(self, layer: str) -> bool:
        """Return whether there are names of units, or of decisions, to compare the labels with."""
        setup = self.decisions if classifier_of(self.config, layer) else None
        return bool(self.true_names(layer) or (setup and setup.class_names))

    def reader(self, layer: str) -> Reader | None:
        """Return what finds names in sentences and in formulas of mask labels; else None."""
        if self.free_text or self.closed or not self.selection.uses_masks:
            return super().reader(layer)
        labels = self.selection.mask_labels
        return FormulaReader({label.name: label.category for label in labels})


def _without_models(scoring: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in scoring.items() if key not in _MODELS}
