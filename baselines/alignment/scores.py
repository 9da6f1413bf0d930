"""Cosines of units' vectors and texts, and sets of words."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def centre(table: Tensor) -> Tensor:
    """Subtract the mean row."""
    return table - table.mean(dim=0)


def align(vectors: Tensor, texts: Tensor) -> Tensor:
    """Return the cosine of every unit with every text.

    Args:
        vectors: Units [U, D]; NaN rows for dead units.
        texts: Texts [C, D].

    Returns:
        Cosines, float32 [U, C]: NaN rows for dead units; -inf where a vector has length 0.
    """
    dead = vectors.isnan().any(dim=1)
    rows = torch.where(dead[:, None], 0.0, vectors)
    scores = normalize(rows, dim=1).float() @ normalize(texts, dim=1).float().T
    no_unit = rows.norm(dim=1) == 0
    no_text = texts.norm(dim=1) == 0
    scores.masked_fill_(no_unit[:, None] | no_text, -torch.inf)
    return scores.masked_fill_(dead[:, None], torch.nan)


def word_weights(vectors: Tensor, concepts: Tensor, blank: Tensor | None) -> Tensor:
    """Return the mean over each unit's images of cos(image, word) - cos(image, template).

    The weights of WWW are sums over the images, which changes neither their order nor the sets.

    Args:
        vectors: Mean of the unit-length embeddings of each unit's images [U, D]; NaN rows for dead
            units.
        concepts: Text embeddings of the words [C, D], not normalised.
        blank: Embedding of the template without a word [D]; None to subtract nothing.

    Returns:
        Weights, float32 [U, C]; NaN rows for dead units, -inf for words of length 0.
    """
    texts = normalize(concepts.double(), dim=1)
    if blank is not None:
        texts = texts - normalize(blank.double(), dim=0)
    weights = vectors.float() @ texts.float().T
    live = ~weights.isnan()
    return weights.masked_fill_(live & (concepts.norm(dim=1) == 0), -torch.inf)


def word_sets(weights: Tensor, alpha: float) -> Tensor:
    """Return which words belong to each unit's set: those near to its best word.

    A word belongs to the set if its weight exceeds alpha percent of the largest. Where no weight is
    above 0, the words of the largest weight do, so that every unit with a defined weight has one.

    Args:
        weights: Weights of words [U, C]; NaN and -inf are not defined.
        alpha: Percentage in [0, 100].

    Returns:
        Booleans [U, C].
    """
    defined = torch.where(weights.isfinite(), weights, -torch.inf)
    best = defined.amax(dim=1, keepdim=True)
    near = (best > 0) & (defined > best * (alpha / 100))
    return (near | (defined == best)) & weights.isfinite()
