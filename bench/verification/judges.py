"""Judges of a scores file: its truth and rules, and fingerprints in place of its models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.imports.judges import imported_judges
from bench.run.judges import Judges, SelectionJudges
from bench.run.provenance import describe_concepts
from bench.run.selection import build_selection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omegaconf import DictConfig

    from bench.parts.protocols import Truth
    from bench.run.build import Parts
    from leaderboards.record import Record
    from metrics.formulas import Reader


@dataclass(frozen=True, eq=False)
class RecordedModel:
    """A model of which only the fingerprint is known."""

    recorded: Mapping[str, Any]

    def fingerprint(self) -> Mapping[str, Any]:
        """Return the recorded fingerprint."""
        return self.recorded


@dataclass(frozen=True)
class RecordedJudges(SelectionJudges):
    """Judges of measured labels.

    Attributes:
        has_words: Whether the candidate labels are those of the record.
    """

    has_words: bool = True

    @property
    def closed(self) -> bool:
        """Whether labels are among `words`, and these are known."""
        return super().closed and self.has_words

    def reader(self, layer: str) -> Reader | None:
        """Return what finds names in labels; mask labels are names."""
        return super().reader(layer) if self.has_words else Judges.reader(self, layer)


def build_judges(record: Record, config: DictConfig, parts: Parts) -> Judges:
    """Build the judges of a record, as configured.

    Raises:
        UserError: A part is unknown here, or one of its parameters is invalid.
    """
    if record.is_imported:
        return imported_judges(config, record)
    selection = build_selection(config, parts)
    has_words = True
    try:
        if selection.closed:
            has_words = describe_concepts(selection)["sha256"] == record.concepts["sha256"]
    except UserError:
        has_words = False
    return RecordedJudges(
        config,
        selection.truth,
        selection.sentence,
        selection.clip_text,
        selection,
        has_words=has_words,
    )


def judges_of(judges: Judges, scoring: Mapping[str, Any], truth: Truth, layer: str) -> Judges:
    """Return judges by the truth, rules and seed of a scores file, without models.

    The configuration is changed in place, since copies of it take longer than all the rest.

    Args:
        judges: The record's configured judges.
        scoring: What the scores file says of its scoring.
        truth: Its truth.
        layer: The record's layer.
    """
    config = judges.config
    config.scoring.official_labels = scoring["rules"]["official_labels"]
    config.scoring.seed = scoring["seed"]
    config.target.truth_layer = layer
    changes: dict[str, Any] = {
        "truth": truth,
        "sentence": RecordedModel(scoring.get("sentence", {})),
        "clip_text": RecordedModel(scoring["clip_text"]) if scoring.get("clip_text") else None,
    }
    if isinstance(judges, RecordedJudges):
        changes["selection"] = replace(judges.selection, truth=truth)
    return replace(judges, **changes)
