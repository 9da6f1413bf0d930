"""What labels are scored by, and which models judge them; none where there is nothing to judge."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from bench.run.bertscore import describe_bertscore
from bench.run.identity import fingerprint
from leaderboards.hashing import short_hash
from leaderboards.record import RecordError
from leaderboards.scores import read_scores
from metrics.sentences import READING_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from omegaconf import DictConfig

    from bench.parts.protocols import Encoder, SentenceEncoder
    from bench.parts.truths.official import OfficialTexts
    from bench.run.decision_settings import Deciding
    from metrics.formulas import Reader
    from metrics.truth import TrueName

SAME, NONE = "same", "none"
"""Names of `scoring.clip_text` that are no registered encoder's: the labelling one, and none."""

_MODELS = frozenset({"sentence", "clip_text", "bertscore"})
"""Keys of `scoring` that name models."""


class Judges(Protocol):
    """What labels are scored by, and what must be known of where they come from for it."""

    @property
    def config(self) -> DictConfig:
        """Whose `scoring` and `runtime` count."""
        ...

    @property
    def encoder(self) -> Encoder | None:
        """The labelling encoder, where there is one that is known."""
        ...

    @property
    def sentence(self) -> SentenceEncoder:
        """The sentence encoder of the cosines; its fingerprint is empty for none."""
        ...

    @property
    def clip_text(self) -> Encoder | None:
        """The image-text model whose text tower scores `clip_cosine`; None for no such score."""
        ...

    @property
    def deciding(self) -> Deciding | None:
        """What decisions are read from; None where that is not known, or they are not scored."""
        ...

    @property
    def words(self) -> tuple[str, ...]:
        """The candidate labels, where they are `closed`."""
        ...

    @property
    def closed(self) -> bool:
        """Whether labels are members of `words`."""
        ...

    @property
    def withheld(self) -> Mapping[str, str]:
        """By column of the table of units, why it can have no value."""
        ...

    def judged(self, layer: str) -> bool:
        """Whether there are names to set the labels against; else no model is looked for."""
        ...

    def true_names(self, layer: str) -> Mapping[int, TrueName]:
        """True names by unit."""
        ...

    def scoring(self, layer: str) -> dict[str, Any]:
        """What decides the scores, besides the labels."""
        ...

    def reader(self, layer: str) -> Reader | None:
        """How labels are read; None where they say themselves."""
        ...

    @property
    def free_text(self) -> bool:
        """Whether labels are sentences, which are searched for true names."""
        ...

    @property
    def mask_labels_as_written(self) -> tuple[str, ...]:
        """The `words` as the masks' own files have them; none where labels are no mask labels."""
        ...

    def official_texts(self, layer: str) -> OfficialTexts | None:
        """What is embedded in place of mask labels; None where they are embedded cleaned."""
        ...


def describe_models(judges: Judges, layer: str) -> dict[str, Any]:
    """The models that judge a layer's labels, for `scoring`: {} for one that there is not.

    A layer without names has no judge at all, whichever was configured: equal scores, equal keys.

    Args:
        judges: Truth, scorers and rules.
        layer: The layer whose units have labels.
    """
    if not judges.judged(layer):
        return {"sentence": {}, "clip_text": {}}
    return {
        "sentence": dict(fingerprint(judges.sentence)),
        "clip_text": dict(fingerprint(judges.clip_text)) if judges.clip_text else {},
        **describe_bertscore(judges.config.scoring.bertscore),
    }


def embeds_officially(judges: Judges, layer: str) -> bool:
    """Whether the official rules decide the texts that a model judges a layer's labels by."""
    return (
        bool(judges.config.scoring.official_labels)
        and bool(judges.true_names(layer))
        and bool(fingerprint(judges.sentence) or judges.clip_text)
    )


def describe_reading(judges: Judges, layer: str) -> dict[str, Any]:
    """How labels are read, for `scoring`, where older releases read them otherwise; else {}.

    Args:
        judges: Truth, scorers and rules.
        layer: The layer whose units have labels.
    """
    if judges.official_texts(layer) is not None:
        return {"reading": {"mask_labels": "as published"}}
    # The official rule looks for no inflection, as before.
    official = judges.config.scoring.official_labels
    if judges.free_text and judges.true_names(layer) and not official:
        return {"reading": {"sentences": READING_VERSION}}
    return {}


def scores_key(judges: Judges, layer: str, folder: Path) -> str:
    """The key of a layer's scores under the truth, scorers and rules of `judges`.

    Older releases put the models into the key of a layer without names too. Such scores are equal
    whatever the models, so they keep their key, and are not made a second time.

    Args:
        judges: Truth, scorers and rules.
        layer: The layer whose units have labels.
        folder: The record's folder; need not be there.
    """
    scoring = judges.scoring(layer)
    if not judges.judged(layer):
        wanted = _without_models(scoring)
        for file in sorted(folder.glob("scores/*.json")):
            with suppress(RecordError):  # a damaged file is made anew
                if _without_models(read_scores(file).scoring) == wanted:
                    return file.stem
    return short_hash(scoring)


def _without_models(scoring: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in scoring.items() if key not in _MODELS}
