"""Score a record that is on disk: labels in, one more scores file out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.bertscore import bert_scorer
from bench.evidence import CachedEmbedder, Store, text_embeddings
from bench.run.device import resolve_device
from bench.run.keys import short_hash
from bench.run.labels import kept_scores, lists_by_unit
from bench.run.parts import fingerprint
from bench.timing import Timer
from leaderboards.storage import add_scores, read_descriptions
from metrics.labels import LabelRules
from metrics.readings import formula_reader
from metrics.scoring import score
from metrics.sentences import sentence_reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.parts import Encoder, SentenceEncoder
    from bench.run.parts import Parts
    from leaderboards.record import Record
    from metrics.readings import Reader

SCHEMA = 1
SHARED_TOWER = (
    "circular: the labelling encoder and the sentence scorer share a text tower, "
    "so both cosines reward the encoder's own geometry"
)
ONE_JUDGE = "its text tower is the sentence scorer's: it would judge the same twice"


def score_record(folder: Path, record: Record, parts: Parts, *, timer: Timer | None = None) -> Path:
    """Score a record's labels under the truth, scorers and rules of `parts`.

    Ranks need the full score matrix; where the cache no longer holds it they are null and say so.

    Args:
        folder: The record's folder.
        record: What is in it.
        parts: The job's parts, of which truth and scorers are used.
        timer: Gets the phase "score".

    Returns:
        The path of the scores file.
    """
    device = resolve_device(parts.config)
    timer = timer or Timer(device)
    layer, units = record.target["layer"], record.target["units"]
    store = Store(parts.config.runtime.cache)
    scoring = parts.scoring(layer)
    circular = shares_tower(parts.encoder, parts.sentence)
    one_judge = shares_tower(parts.clip_text, parts.sentence)
    labels, label_scores = lists_by_unit(read_descriptions(folder), units)
    dead = np.zeros(units, dtype=bool)
    dead[list(record.target["dead_units"])] = True
    clip_text = None
    if not one_judge:
        clip_text = _ClipText(parts.clip_text, store, device)
    with timer.phase("score", items=units):
        scored = score(
            labels=labels,
            label_scores=label_scores,
            concepts=parts.words if parts.closed else None,
            score_matrix=_matrix(store, record.key, units, parts),
            dead=dead,
            truth=parts.true_names(layer),
            sentence=_embedder(parts.sentence, parts.config.runtime.cache, device),
            clip_text=clip_text,
            clip_reason=(SHARED_TOWER if circular else ONE_JUDGE) if one_judge else "",
            circular=circular,
            rules=LabelRules(official=parts.config.scoring.official_labels),
            reader=_reader(parts, layer),
            bert=bert_scorer(parts.config.scoring.bertscore, device),
            seed=parts.config.scoring.seed,
        )
    content = scored.to_json()
    return add_scores(
        folder,
        {
            "schema": SCHEMA,
            "skey": short_hash(scoring),
            "scoring": scoring,
            "circular": circular,
            "scores": content["values"],
            "controls": content["controls"],
        },
        scored.units,
    )


def _matrix(store: Store, key: str, units: int, parts: Parts) -> NDArray[np.float32] | None:
    return kept_scores(store, key, units, parts.words) if parts.closed else None


def _reader(parts: Parts, layer: str) -> Reader | None:
    """How labels are read.

    Sentences are searched for the layer's true names, formulas of mask labels are read name by
    name; all other labels say themselves.
    """
    if parts.method.vocabulary == "free text":
        return sentence_reader(parts.true_names(layer))
    if parts.closed or not parts.uses_masks:
        return None
    return formula_reader({label.name: label.category for label in parts.mask_labels})


def shares_tower(encoder: Encoder | None, sentence: SentenceEncoder) -> bool:
    """Whether an image-text model and the sentence scorer have one text tower."""
    if encoder is None:
        return False
    tower = fingerprint(encoder).get("text_tower")
    return tower is not None and tower == fingerprint(sentence).get("text_tower")


class _ClipText:
    """An encoder's text tower as a scorer: unit-length embeddings, cached by list."""

    def __init__(self, encoder: Encoder, store: Store, device: str) -> None:
        self._encoder, self._store, self._device = encoder, store, device

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = text_embeddings(
            self._encoder, texts, store=self._store, timer=Timer(self._device), device=self._device
        )
        table = found.embeddings.numpy()
        unit: NDArray[np.float32] = table / np.linalg.norm(table, axis=1, keepdims=True)
        return unit


@cache
def _embedder(sentence: SentenceEncoder, root: str, device: str) -> Any:
    """One embedder a process: its lists in memory serve every record of a sweep."""
    return CachedEmbedder(sentence, Store(root), device)
