"""Judges of imported labels: truth, scorers and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from bench.imports.labels import FREE_TEXT, MASK_LABELS
from bench.parts import catalog
from bench.parts.truths.official import official_texts
from bench.run.decision_settings import describe_decisions
from bench.run.identity import describe_truth
from bench.run.judges import NONE, SAME, describe_models, describe_reading, embeds_officially
from leaderboards.hashing import short_hash
from metrics.sentences import SentenceReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.parts.protocols import Encoder, SentenceEncoder, Truth
    from bench.parts.registry import Registry
    from bench.parts.truths.official import OfficialTexts
    from leaderboards.record import Record
    from metrics.formulas import Reader
    from metrics.truth import TrueName

NEEDS_ACTIVATIONS = "n/a: needs activations (the scores of all concepts for each unit)"
ONE_LABEL = "n/a: the file has one label a unit"


@dataclass(frozen=True)
class ImportedJudges:
    """Judges of imported labels (`bench.run.judges.Judges`).

    Attributes:
        config: Its `scoring`, `target.truth` and `runtime` are used.
        truth: The layer's true names.
        sentence: The sentence encoder of the cosines.
        clip_text: The encoder of `clip_cosine`; None if none is chosen.
        vocabulary: Source of the labels.
        ranked: Whether some unit has more than one label.
        left_out: Units that are not in the file.
        units: Number of the layer's units.
    """

    config: DictConfig
    truth: Truth
    sentence: SentenceEncoder
    clip_text: Encoder | None
    vocabulary: str
    ranked: bool
    left_out: tuple[int, ...]
    units: int

    @property
    def encoder(self) -> Encoder | None:
        """The encoder that gave the labels: unknown."""
        return None

    @property
    def deciding(self) -> None:
        """The network's decisions: unknown."""
        return

    @property
    def words(self) -> tuple[str, ...]:
        """The candidate labels: unknown."""
        return ()

    @property
    def closed(self) -> bool:
        """Whether labels are members of `words`."""
        return False

    @property
    def withheld(self) -> dict[str, str]:
        """Columns that cannot be computed from labels, with the reason."""
        reasons = dict.fromkeys(("truth_rank", "reciprocal_rank"), NEEDS_ACTIVATIONS)
        return reasons if self.ranked else reasons | {"accuracy_at_5": ONE_LABEL}

    def judged(self, layer: str) -> bool:
        """Return whether the layer has true names."""
        return bool(self.true_names(layer))

    def true_names(self, layer: str) -> Mapping[int, TrueName]:
        """Return true names by unit, including units that are not in the file."""
        return self.truth.names()

    def scoring(self, layer: str) -> dict[str, Any]:
        """Return what decides the scores besides the labels: as of a run, and the scored units.

        Scores of a part of the layer have a column of their own.
        """
        facts: dict[str, Any] = {
            "truth": describe_truth(self.config.target.truth.name, self.true_names(layer)),
            **describe_models(self, layer),
            "rules": {"official_labels": self.config.scoring.official_labels},
            **describe_reading(self, layer),
            "seed": self.config.scoring.seed,
            **describe_decisions(self.config, layer, self.deciding),
        }
        if self.left_out:
            n = self.units - len(self.left_out)
            facts["units"] = {"n": n, "of": self.units, "hash": short_hash(list(self.left_out))}
        return facts

    def reader(self, layer: str) -> Reader | None:
        """Return a search of sentences for the layer's true names; None for other labels."""
        return SentenceReader(self.true_names(layer).values()) if self.free_text else None

    @property
    def free_text(self) -> bool:
        """Whether the labels are sentences."""
        return self.vocabulary == FREE_TEXT

    @property
    def mask_labels_as_written(self) -> tuple[str, ...]:
        """The candidate labels: unknown."""
        return ()

    def official_texts(self, layer: str) -> OfficialTexts | None:
        """Return the texts that are embedded under the official rules; None for other rules."""
        if self.vocabulary == MASK_LABELS and embeds_officially(self, layer):
            return official_texts(self.truth)
        return None


def imported_judges(config: DictConfig, record: Record) -> ImportedJudges:
    """Build the judges of an imported record.

    Args:
        config: Its configuration.
        record: The record.

    Raises:
        UserError: A part or a parameter is invalid.
    """

    def build(registry: Registry[Any], node: DictConfig, where: str) -> Any:
        params = OmegaConf.to_container(node.params, resolve=True)
        return registry.build(node.name, params, where=where)  # type: ignore[arg-type]

    clip_text = None
    if config.scoring.clip_text.name not in (SAME, NONE):
        clip_text = build(catalog.ENCODERS, config.scoring.clip_text, "scoring.clip_text")
    return ImportedJudges(
        config=config,
        truth=build(catalog.TRUTHS, config.target.truth, "target.truth"),
        sentence=build(catalog.SENTENCES, config.scoring.sentence, "scoring.sentence"),
        clip_text=clip_text,
        vocabulary=str(record.method["vocabulary"]),
        ranked=bool(record.counts["labels_per_unit"] > 1),
        left_out=tuple(record.target["left_out"]),
        units=int(record.target["units"]),
    )
