"""Score a decoder's sentences on described units that it was not trained on."""

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
    """Function from n texts to unit-length embeddings, [n, D]."""


class Decoding(NamedTuple):
    """Settings of a decoding strategy.

    Attributes:
        beam: Width of the beam; 1 is greedy.
        pmi_weight: Weight lambda of reranking; 0 for the likeliest sentence.
    """

    beam: int
    pmi_weight: float


DECODINGS = {"greedy": Decoding(1, 0.0), "beam": Decoding(50, 0.0), "pmi": Decoding(50, 0.2)}
"""MILAN's ablation: p(s | v) alone, greedy or by beam, and mutual information."""


def sentences(found: Sentences, vocabulary: Vocabulary) -> list[str]:
    """Return the first sentence of each unit."""
    return [reconstruct(vocabulary.decode(row)) for row in found.tokens[:, 0].tolist()]


def greedy_bleu(vocabulary: Vocabulary, samples: Samples, decoder: Decoder) -> float:
    """Return corpus BLEU, in 0..1, of greedy sentences, the criterion of early stopping.

    Args:
        vocabulary: Vocabulary of the decoder.
        samples: Described units that it is not trained on.
        decoder: The network in evaluation mode.
    """
    features = torch.from_numpy(samples.features).float()
    said = sentences(greedy(decoder, features), vocabulary)
    return float(corpus_bleu(said, samples.descriptions).value or 0.0)


def score_file(path: Path, samples: Samples, embed: Embedder) -> dict[str, float]:
    """Score a decoder's file.

    Args:
        path: The file.
        samples: Described units; their groups also get separate scores.
        embed: Function from texts to unit-length embeddings [n, D].

    Returns:
        For each of ``DECODINGS``, ``bleu_<decoding>`` (corpus BLEU, in 0..1) and
        ``cosine_<decoding>`` (mean over units of the best cosine with a description of the unit);
        scores of a group end in its name in brackets. ``cosine_constant`` is the cosine of the best
        constant sentence.
    """
    stored = read_captioner(path)
    features = torch.from_numpy(samples.features).float()
    found: dict[str, float] = {}
    for name, decoding in DECODINGS.items():
        if decoding.pmi_weight and stored.language_model is not None:
            model, weight = stored.language_model, decoding.pmi_weight
            lists = rerank(stored.decoder, features, model, width=decoding.beam, pmi_weight=weight)
        else:
            lists = beam(stored.decoder, features, width=decoding.beam)
        said = sentences(lists, stored.vocabulary)
        cosines = best_cosines(said, samples.descriptions, embed)
        for group, rows in _groups(samples).items():
            suffix = f" [{group}]" if group else ""
            references = [samples.descriptions[i] for i in rows]
            value = corpus_bleu([said[i] for i in rows], references).value
            found[f"bleu_{name}{suffix}"] = value or 0.0
            found[f"cosine_{name}{suffix}"] = float(cosines[rows].mean())
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
    return float(
        max(np.maximum.reduceat(wanted @ table[text], starts).mean() for text in candidates)
    )


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
