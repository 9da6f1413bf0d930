"""Measure how well CLIP-Dissect (soft_wpmi) names the object units with the shipped encoder.

A check of the encoder, independent of the benchmark's code.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bench.glyphs.encoder import load_encoder
from bench.glyphs.train.encoder import embed_images, embed_texts
from bench.glyphs.train.targets import logits
from bench.glyphs.vocabulary import OBJECTS
from bench.glyphs.weights import load_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.glyphs.train.cache import RenderedSplit

_TOP, _SHARP = 100, 10.0
_START, _END = 0.998, 0.97


def soft_wpmi(similarity: torch.Tensor, activations: torch.Tensor) -> torch.Tensor:
    """Compute CLIP-Dissect's default score with its published defaults.

    Args:
        similarity: Cosines of images and concepts [N, C].
        activations: Pooled activations [N, U].

    Returns:
        Scores [U, C].
    """
    probability = torch.softmax(_SHARP * similarity, dim=1)
    count = min(_TOP, len(similarity))
    top = torch.argsort(-activations, dim=0, stable=True)[:count]
    weight = _START - torch.arange(count) / count * (_START - _END)
    rows = []
    for unit in range(activations.shape[1]):
        seen = probability[top[:, unit]]
        rows.append(torch.log(1 + weight[:, None] * (seen - 1) + 1e-7).sum(dim=0))
    raw = torch.stack(rows)
    return raw - (torch.logsumexp(raw, dim=0) - math.log(len(raw)))


def dissect(data: RenderedSplit, words: Sequence[str]) -> dict[str, Any]:
    """Name all object units from their own list and from an open list of words.

    Args:
        data: Rendered probe images.
        words: The open list, e.g. the commonest English words.

    Returns:
        Top-1 from the object list (all, named, unnamed), the confusions, and for the open list
        the mean sentence cosines of the method, of the best constant word and of the best word
        per unit, and ``normalised`` = (method - constant) / (oracle - constant).
    """
    model, preprocess, tokenizer = load_encoder()
    names = [entry.name for entry in OBJECTS]
    image = embed_images(model, preprocess, data.images)
    activations = logits(load_target("objects"), data.images)
    own = embed_texts(model, tokenizer, names)
    listed = soft_wpmi(image @ own.T, activations).argmax(dim=1).numpy()
    right = listed == np.arange(len(names))
    named = np.asarray([entry.named_in_captions for entry in OBJECTS])
    free = embed_texts(model, tokenizer, list(words), batch=256)
    chosen = soft_wpmi(image @ free.T, activations).argmax(dim=1)
    truth = own @ free.T
    method = truth[torch.arange(len(names)), chosen]
    oracle, constant = truth.max(dim=1).values, truth.mean(dim=0).max()
    span = float(oracle.mean() - constant)
    return {
        "images": len(data.images),
        "top1_object_list": float(right.mean()),
        "top1_named": float(right[named].mean()),
        "top1_unnamed": float(right[~named].mean()),
        "confusions": {names[i]: names[listed[i]] for i in np.flatnonzero(~right)},
        "words": len(words),
        "cosine": float(method.mean()),
        "cosine_named": float(method[torch.from_numpy(named)].mean()),
        "cosine_unnamed": float(method[torch.from_numpy(~named)].mean()),
        "constant": float(constant),
        "oracle": float(oracle.mean()),
        "normalised": (float(method.mean()) - float(constant)) / span,
        "labels": {name: words[int(c)] for name, c in zip(names, chosen, strict=True)},
    }
