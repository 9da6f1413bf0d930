"""What imported labels are scored by: truth, scorers and rules, without any part of a run."""

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
    """Judges of labels that others made (`bench.run.judges.Judges`).

    Attributes:
        config: Whose `scoring`, `target.truth` and `runtime` count.
        truth: The layer's true names.
        sentence: The sentence encoder of the cosines.
        clip_text: What scores `clip_cosine`; None where none was chosen: there is no labelling
            encoder here that it could be the same as.
        vocabulary: Where the labels come from.
        ranked: Whether some unit has more than one label.
        left_out: Units that the file is not about.
        units: How many the layer has.
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
        """Whatever made the labels, it is not known here."""
        return None

    @property
    def deciding(self) -> None:
        """Neither the network nor its decisions are known here."""
        return

    @property
    def words(self) -> tuple[str, ...]:
        """The words that the labels were chosen from are not known here."""
        return ()

    @property
    def closed(self) -> bool:
        """Whether labels are members of `words`."""
        return False

    @property
    def withheld(self) -> dict[str, str]:
        """Columns that labels alone give no value."""
        told = dict.fromkeys(("truth_rank", "reciprocal_rank"), NEEDS_ACTIVATIONS)
        return told if self.ranked else told | {"accuracy_at_5": ONE_LABEL}

    def judged(self, layer: str) -> bool:
        """Whether there are names to set the labels against."""
        return bool(self.true_names(layer))

    def true_names(self, layer: str) -> Mapping[int, TrueName]:
        """True names by unit, those of units that the file leaves out among them."""
        return self.truth.names()

    def scoring(self, layer: str) -> dict[str, Any]:
        """What decides the scores, besides the labels: as of a run, and the units that count.

        Where the file is about a part of the layer that part decides too: its scores stand in a
        column of their own, apart from those of the whole layer.
        """
        told = {
            "truth": describe_truth(self.config.target.truth.name, self.true_names(layer)),
            **describe_models(self, layer),
            "rules": {"official_labels": self.config.scoring.official_labels},
            **describe_reading(self, layer),
            "seed": self.config.scoring.seed,
            **describe_decisions(self.config, layer, self.deciding),
        }
        if self.left_out:
            n = self.units - len(self.left_out)
            told["units"] = {"n": n, "of": self.units, "hash": short_hash(list(self.left_out))}
        return told

    def reader(self, layer: str) -> Reader | None:
        """Sentences are searched for the layer's true names; other labels say themselves."""
        return SentenceReader(self.true_names(layer).values()) if self.free_text else None

    @property
    def free_text(self) -> bool:
        """Whether the labels are sentences."""
        return self.vocabulary == FREE_TEXT

    @property
    def mask_labels_as_written(self) -> tuple[str, ...]:
        """The words that the labels were chosen from are not known here."""
        return ()

    def official_texts(self, layer: str) -> OfficialTexts | None:
        """What is embedded in place of mask labels under the official rules."""
        if self.vocabulary == MASK_LABELS and embeds_officially(self, layer):
            return official_texts(self.truth)
        return None


def imported_judges(config: DictConfig, record: Record) -> ImportedJudges:
    """Build what an imported record is scored by.

    Args:
        config: Its configuration, maybe amended.
        record: What it says of the labels.

    Raises:
        UserError: A part or one of its parameters is not as it must be.
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
