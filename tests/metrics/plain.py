"""Scores of single units in plain Python, the reference for what the package computes in tables."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics.labels import LabelRules, matches, normalise
from metrics.lexical import lexical_match
from metrics.references import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrics.truth import TrueName

NAN = float("nan")


def embedder(texts: Sequence[str]) -> Any:
    """Return random unit-norm vectors that only depend on the text."""
    vectors = np.stack([np.random.default_rng(list(t.encode())).normal(size=6) for t in texts])
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@lru_cache(maxsize=1 << 12)
def cosine(one: str, other: str) -> float:
    """Return the cosine of two texts."""
    return float(embedder([one])[0].astype(float) @ embedder([other])[0].astype(float))


@lru_cache(maxsize=1 << 14)
def unit_values(
    truth: TrueName,
    ordering: tuple[str, ...],
    concepts: tuple[str, ...],
    layer: tuple[TrueName, ...] = (),
) -> dict[str, float]:
    """Return what one unit contributes to each score.

    Args:
        truth: Its true name.
        ordering: The concepts that its method ranks, best first; empty for a unit without a label.
        concepts: The concept set.
        layer: All true names of the layer.
    """
    rules = LabelRules()
    label = ordering[0] if ordering else None
    different = list(dict.fromkeys(map(normalise, ordering)))[:5]
    places = [place for place, c in enumerate(ordering, start=1) if matches(c, truth, rules)]
    possible = any(matches(c, truth, rules) for c in concepts)
    rank = float(min(places, default=len(concepts))) if possible else NAN

    def near(texts: Sequence[str]) -> float:
        found = [max(cosine(c, text) for text in texts) for c in ([label] if label else concepts)]
        return float(np.mean(found))  # a unit without a label scores what a random concept does

    strings: dict[str, list[str]] = {}
    for name in layer:
        strings.setdefault(normalise(name.name), []).extend((name.name, *name.synonyms))
    others = [near(texts) for key, texts in strings.items() if key != normalise(truth.name)]
    own = near(strings.get(normalise(truth.name), [truth.name]))
    whole, best = near([truth.name]), near(truth.synonyms)
    nearest = float(label is not None and all(own > other + 1e-6 for other in others))
    return {
        "accuracy_at_1": float(label is not None and matches(label, truth, rules)),
        "accuracy_at_5": float(any(matches(c, truth, rules) for c in different)),
        "mean_rank": rank,
        "median_rank": rank,
        "mrr": 1 / rank,
        "sentence_cosine": whole,
        "sentence_cosine_best_synonym": best,
        "clip_cosine": whole,
        "clip_cosine_best_synonym": best,
        "lexical_match": lexical_match(label, truth) if label is not None else 0.0,
        "nearest_name": nearest if others else NAN,
    }


def sacrebleu(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return sacrebleu's corpus score; units with fewer references than others have gaps."""
    from sacrebleu.metrics.bleu import BLEU

    most = max(map(len, references))
    streams = [[clean(r[k]) if k < len(r) else None for r in references] for k in range(most)]
    return float(BLEU().corpus_score([clean(p) for p in predictions], streams).score) / 100
