"""Judges of labels that others made: truth, models and rules, without the parts of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.config.schema import NONE, SAME
from bench.imports.labels import FREE_TEXT, MASK_LABELS
from bench.parts import catalog
from bench.run.build import build_part
from bench.run.judges import Judges
from leaderboards.hashing import short_hash

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from leaderboards.record import Record

NEEDS_ACTIVATIONS = "n/a: needs activations (the scores of all concepts for each unit)"
ONE_LABEL = "n/a: the file has one label a unit"


@dataclass(frozen=True)
class ImportedJudges(Judges):
    """Judges of an imported record.

    Attributes:
        vocabulary: Where the labels come from.
        ranked: Whether some unit has more than one label.
        left_out: Units of the layer that are not in the file.
        units: Number of units of the layer.
    """

    vocabulary: str
    ranked: bool
    left_out: tuple[int, ...]
    units: int

    @property
    def withheld(self) -> dict[str, str]:
        """Columns of the table of units that labels alone give no value, with the reason."""
        columns = dict.fromkeys(("truth_rank", "reciprocal_rank"), NEEDS_ACTIVATIONS)
        return columns if self.ranked else columns | {"accuracy_at_5": ONE_LABEL}

    @property
    def free_text(self) -> bool:
        """Whether the labels are sentences."""
        return self.vocabulary == FREE_TEXT

    @property
    def names_masks(self) -> bool:
        """Whether the labels are mask labels."""
        return self.vocabulary == MASK_LABELS

    def scoring(self, layer: str) -> dict[str, Any]:
        """Return what decides the scores: as of a run, and the units that count.

        The scores of a part of the layer stand in a column of their own, apart from those of the
        whole layer.
        """
        content = super().scoring(layer)
        if self.left_out:
            n = self.units - len(self.left_out)
            content["units"] = {"n": n, "of": self.units, "hash": short_hash(list(self.left_out))}
        return content


def imported_judges(config: DictConfig, record: Record) -> ImportedJudges:
    """Build the judges of an imported record.

    `clip_cosine` is scored only where `scoring.clip_text` names an encoder, since the labelling
    encoder is unknown.

    Args:
        config: Its configuration, maybe amended.
        record: The imported record.

    Raises:
        UserError: A part or one of its parameters is invalid.
    """
    scoring = config.scoring
    clip_text = None
    if scoring.clip_text.name not in (SAME, NONE):
        clip_text = build_part(catalog.ENCODERS, scoring.clip_text, "scoring.clip_text")
    return ImportedJudges(
        config=config,
        truth=build_part(catalog.TRUTHS, config.target.truth, "target.truth"),
        sentence=build_part(catalog.SENTENCES, scoring.sentence, "scoring.sentence"),
        clip_text=clip_text,
        vocabulary=str(record.method["vocabulary"]),
        ranked=bool(record.counts["labels_per_unit"] > 1),
        left_out=tuple(record.target["left_out"]),
        units=int(record.target["units"]),
    )
