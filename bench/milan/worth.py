"""What a decoder's sentences are worth on described units that it never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from baselines.captioning.model_file import read_captioner
from baselines.captioning.search import beam, greedy, rerank
from baselines.captioning.vocabulary import reconstruct
from metrics.references import corpus_bleu

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from baselines.captioning.decoder import Decoder
    from baselines.captioning.search import Sentences
    from baselines.captioning.vocabulary import Vocabulary
    from bench.milan.samples import Samples

    Embedder = Callable[[Sequence[str]], NDArray[np.float32]]
    """From n texts to unit-length embeddings, [n, D]."""


class Way(NamedTuple):
    """A way of decoding that is measured.

    Attributes:
        beam: Width of the beam; 1 is greedy.
        pmi_weight: Lambda of reranking; 0 for the likeliest sentence.
    """

    beam: int
    pmi_weight: float


WAYS = {"greedy": Way(1, 0.0), "beam": Way(50, 0.0), "pmi": Way(50, 0.2)}
"""MILAN's ablation: p(s | v) alone, greedily or by beam, and the mutual information."""


def sentences(found: Sentences, vocabulary: Vocabulary) -> list[str]:
    """Return the first sentence of each unit."""
    return [reconstruct(vocabulary.decode(row)) for row in found.tokens[:, 0].tolist()]


def greedy_bleu(decoder: Decoder, vocabulary: Vocabulary, samples: Samples) -> float:
    """Return corpus BLEU, in 0..1, of greedy sentences, the criterion of early stopping.

    Args:
        decoder: In evaluation mode.
        vocabulary: Its words.
        samples: Described units that it is not trained on.
    """
    features = torch.from_numpy(samples.features).float()
    said = sentences(greedy(decoder, features), vocabulary)
    return float(corpus_bleu(said, samples.descriptions).value or 0.0)


def worth(path: Path, samples: Samples, embed: Embedder) -> dict[str, float]:
    """Score a decoder's file.

    Args:
        path: The file.
        samples: Described units; their groups are scored apart as well.
        embed: Texts to unit-norm vectors [n, D].

    Returns:
        For each of ``WAYS``, ``bleu_<way>`` (corpus BLEU, in 0..1) and ``cosine_<way>`` (mean over
        units of the best cosine with a description of the unit); behind a group's scores its name
        in brackets. ``cosine_constant`` is that of the one sentence, among those in use, that
        would be best for all.
    """
    stored = read_captioner(path)
    features = torch.from_numpy(samples.features).float()
    found: dict[str, float] = {}
    for name, way in WAYS.items():
        if way.pmi_weight and stored.language_model is not None:
            lists = rerank(
                stored.decoder,
                features,
                stored.language_model,
                width=way.beam,
                pmi_weight=way.pmi_weight,
            )
        else:
            lists = beam(stored.decoder, features, width=way.beam)
        said = sentences(lists, stored.vocabulary)
        cosines = best_cosines(said, samples.descriptions, embed)
        for group, rows in _groups(samples).items():
            behind = f" [{group}]" if group else ""
            references = [samples.descriptions[i] for i in rows]
            value = corpus_bleu([said[i] for i in rows], references).value
            found[f"bleu_{name}{behind}"] = value or 0.0
            found[f"cosine_{name}{behind}"] = float(cosines[rows].mean())
    found["cosine_constant"] = _best_constant(sorted(set(said)), samples.descriptions, embed)
    return found


def best_cosines(
    said: Sequence[str], references: Sequence[Sequence[str]], embed: Embedder
) -> NDArray[np.float64]:
    """Return the cosine of each unit's sentence with its nearest description, float64 [N]."""
    table = _embedded([*said, *(text for group in references for text in group)], embed)
    return np.array(
        [
            max(float(table[text] @ table[reference]) for reference in group)
            for text, group in zip(said, references, strict=True)
        ]
    )


def _best_constant(
    candidates: Sequence[str], references: Sequence[Sequence[str]], embed: Embedder
) -> float:
    table = _embedded([*candidates, *(text for group in references for text in group)], embed)
    wanted = np.stack([table[text] for group in references for text in group])
    starts = np.cumsum([0, *(len(group) for group in references)])[:-1]
    means = [
        np.maximum.reduceat(wanted @ table[candidate], starts).mean() for candidate in candidates
    ]
    return float(max(means))


def _embedded(texts: Sequence[str], embed: Embedder) -> dict[str, NDArray[np.float32]]:
    distinct = list(dict.fromkeys(texts))
    return dict(zip(distinct, embed(distinct), strict=True))


def _groups(samples: Samples) -> dict[str, list[int]]:
    """Return the rows of all units under "", and of each group."""
    groups = {"": list(range(len(samples)))}
    for number, group in enumerate(samples.groups):
        if group:
            groups.setdefault(group, []).append(number)
    return groups
