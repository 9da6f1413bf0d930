"""Score the labels of a record, and write the scores beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.environment import hardware
from bench.errors import UnwritableError
from bench.evidence import CachedEmbedder, Store, text_embeddings
from bench.run.bertscore import bert_scorer
from bench.run.decision_scores import TextJudges, score_decisions
from bench.run.device import resolve_device
from bench.run.identity import fingerprint
from bench.run.labels import load_scores
from bench.run.rank_reuse import reuse_ranks
from bench.run.results import add_phases, add_scores
from bench.run.score_inputs import layer_coverage, score_inputs
from bench.timing import Timer
from leaderboards.hashing import short_hash
from leaderboards.record_tables import read_descriptions, read_set_sizes
from leaderboards.scores import SCORES_SCHEMA
from metrics.scores import Score
from metrics.scoring import score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from bench.parts.protocols import Encoder, SentenceEncoder
    from bench.run.judges import Judges
    from leaderboards.record import Record
    from metrics.scores import ScoringResult

SHARED_TOWER = (
    "circular: the labelling encoder and the sentence scorer share a text tower, "
    "so both cosines reward the encoder's own geometry"
)
ONE_JUDGE = "its text tower is the sentence scorer's: it would judge the same twice"
NO_CLIP_TEXT = "n/a: no CLIP text encoder was given (scoring.clip_text.name)"


def score_record(folder: Path, record: Record, judges: Judges) -> Path:
    """Score a record's labels and put the scores beside them.

    Add the phase "score" to a timed run that has none, before the scores are written: a record with
    scores has the complete time too.

    Args:
        folder: The record's folder.
        record: The record.
        judges: Truth, models and rules.

    Returns:
        The path of the scores file.

    Raises:
        UnwritableError: The folder was deleted, or scores cannot be written to it.
    """
    if not folder.is_dir():
        raise UnwritableError(
            f"the record {folder} was deleted while it was in use",
            where="results",
            hint="run again, and keep the folder until the end",
        )
    timer = Timer(resolve_device(judges.config))
    sizes = read_set_sizes(folder, record.target["units"])
    content, units = score_table(
        record, read_descriptions(folder), judges, set_sizes=sizes, timer=timer
    )
    content, units = reuse_ranks(folder, content, units)
    add_phases(folder, hardware(timer.device), timer.records())
    return add_scores(folder, content, units)


def score_table(
    record: Record,
    descriptions: pd.DataFrame,
    judges: Judges,
    *,
    set_sizes: Sequence[int] | None = None,
    timer: Timer | None = None,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Score a table of labels.

    Ranks need the full score matrix; they are null, with a reason, where the cache lacks it.

    Args:
        record: The record: layer, number of units, units that are left out.
        descriptions: The labels: unit, rank, label, score.
        judges: Truth, models and rules.
        set_sizes: Number of words in each unit's set, of a method that answers in sets.
        timer: Gets the phase "score".

    Returns:
        The content of the scores file, and its table of units.
    """
    config = judges.config
    device = resolve_device(config)
    timer = timer or Timer(device)
    layer, units = record.target["layer"], record.target["units"]
    store = Store(config.runtime.cache)
    scoring = judges.scoring(layer)
    judged = judges.judged(layer)
    circular = judged and shares_tower(judges.encoder, judges.sentence)
    one_judge = judged and shares_tower(judges.clip_text, judges.sentence)
    reason = (SHARED_TOWER if circular else ONE_JUDGE) if one_judge else ""
    given = score_inputs(record, descriptions, judges, set_sizes)
    clip_text = None
    if judged and judges.clip_text is not None and not one_judge:
        clip_text = ClipText(judges.clip_text, store, device)
    with timer.phase("score", items=units):
        scored = score(
            **given,
            score_matrix=_matrix(store, record.key, units, judges),
            sentence=sentence_embedder(judges.sentence, store, device) if judged else None,
            clip_text=clip_text,
            clip_reason=reason if judges.clip_text is not None else NO_CLIP_TEXT,
            circular=circular,
            bert=bert_scorer(config.scoring.bertscore, device) if judged else None,
        )
        decisions = score_decisions(
            record,
            [names[0] if names else "" for names in given["labels"]],
            judges.decisions,
            config,
            _text_judges(judges, store, device) if judged else None,
            store=store,
            device=device,
        )
    if decisions:
        scored = _with_decisions(scored, decisions)
    coverage = layer_coverage(scored, given["truth"], record.target.get("left_out", ()))
    scored = replace(scored, values={**scored.values, **coverage})
    content = scored.to_json()
    file = {
        "schema": SCORES_SCHEMA,
        "skey": short_hash(scoring),
        "scoring": scoring,
        "circular": circular,
        "scores": content["values"],
        "controls": content["controls"],
    }
    return file, scored.units


def _matrix(store: Store, key: str, units: int, judges: Judges) -> NDArray[np.float32] | None:
    return load_scores(store, key, units, judges.words) if judges.closed else None


def _text_judges(judges: Judges, store: Store, device: str) -> TextJudges | None:
    """Return the judges of decisions: the models of both cosines, even where they are circular."""
    sentence = sentence_embedder(judges.sentence, store, device)
    if judges.clip_text is None or sentence is None:
        return None
    own = shares_tower(judges.encoder, judges.sentence)
    if judges.config.scoring.decisions.clip_weight:
        own = own or shares_tower(judges.encoder, judges.clip_text)
    return TextJudges(
        ClipText(judges.clip_text, store, device),
        sentence,
        circular=own,
        same=shares_tower(judges.clip_text, judges.sentence),
    )


def _with_decisions(scored: ScoringResult, decisions: Mapping[str, Score]) -> ScoringResult:
    """Return the scores with those of decisions, whose chance level is known exactly."""
    chance = {
        name: Score(own.chance, own.chance, own.chance, own.n)
        for name, own in decisions.items()
        if own.chance is not None
    }
    controls = {**scored.controls, "chance": {**scored.controls["chance"], **chance}}
    return replace(scored, values={**scored.values, **decisions}, controls=controls)


def shares_tower(encoder: Encoder | None, judge: Encoder | SentenceEncoder | None) -> bool:
    """Return whether an image-text model and a judge have the same text tower."""
    if encoder is None or judge is None:
        return False
    tower = fingerprint(encoder).get("text_tower")
    return tower is not None and tower == fingerprint(judge).get("text_tower")


class ClipText:
    """An encoder's text tower as a judge: unit-length embeddings, cached by list."""

    def __init__(self, encoder: Encoder, store: Store, device: str) -> None:
        self._encoder, self._store, self._device = encoder, store, device

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-norm vectors of texts, float32 [n, D]."""
        embedded = text_embeddings(
            self._encoder, texts, store=self._store, timer=Timer(self._device), device=self._device
        )
        table = embedded.embeddings.numpy()
        unit: NDArray[np.float32] = table / np.linalg.norm(table, axis=1, keepdims=True)
        return unit


def sentence_embedder(
    sentence: SentenceEncoder, store: Store, device: str
) -> CachedEmbedder | None:
    """Return one embedder per cache folder, whose lists all records of a sweep share.

    None where there is no sentence encoder.
    """
    if not fingerprint(sentence):
        return None
    root = store.root and store.root.resolve()  # a relative path may be another folder by now
    return _embedders.setdefault((sentence, root, device), CachedEmbedder(sentence, store, device))


_embedders: dict[tuple[SentenceEncoder, Path | None, str], CachedEmbedder] = {}
