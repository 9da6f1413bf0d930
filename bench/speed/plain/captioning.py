"""Search sentences plainly: unit by unit, each sentence of a beam independently.

Written from the formulas (MILAN, appendix B): at every step each sentence of the beam gets a copy
of the unit's features, projects it to keys again, and runs the whole LSTM step, even if finished.
Each sentence is extended by its best tokens, and the best extensions make the next beam. The
language model then reads each sentence from its start. Sentences of a beam are batched, so that
the benchmark compares the work and not Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from baselines.captioning.vocabulary import special_ids

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.captioning.decoder import Decoder
    from baselines.captioning.language_model import LanguageModel


@torch.inference_mode()
def beam(decoder: Decoder, features: Tensor, width: int, max_length: int) -> tuple[Tensor, Tensor]:
    """Return the likeliest sentences of one unit found by beam search.

    Args:
        decoder: In eval mode.
        features: Features of the unit's exemplars, [K, F].
        width: Number of sentences in the beam, at most the number of words.
        max_length: Largest number of tokens.

    Returns:
        Tokens int64 [width, T], padded with stop, and log p [width], descending.
    """
    special = special_ids(decoder.config.vocabulary_size)
    mean = features.mean(dim=0, keepdim=True)
    h, c = torch.tanh(decoder.init_h(mean)), torch.tanh(decoder.init_c(mean))
    last = torch.tensor([special.start], device=features.device)
    tokens, scores = last.new_empty(1, 0), features.new_zeros(1)
    for _ in range(max_length):
        seen = features.repeat(len(last), 1, 1)  # [beam, K, F]
        joined = torch.tanh(decoder.query(h)[:, None] + decoder.key(seen))
        context = (decoder.attention(joined).softmax(dim=1) * seen).sum(dim=1)
        gated = torch.sigmoid(decoder.gate(h)) * context
        h, c = decoder.lstm(torch.cat([decoder.embedding(last), gated], dim=1), (h, c))
        log_p = torch.log_softmax(decoder.output(h), dim=-1)
        log_p[:, list(special.silent)] = -torch.inf
        done = last == special.stop
        log_p[done] = -torch.inf
        log_p[done, special.stop] = 0
        best, words = log_p.topk(width, dim=1)
        scores, chosen = (scores[:, None] + best).flatten().topk(width)
        old, last = chosen // width, words.flatten()[chosen]
        h, c = h[old], c[old]
        tokens = torch.cat([tokens[old], last[:, None]], dim=1)
        if (last == special.stop).all():
            break
    return tokens, scores


@torch.inference_mode()
def log_priors(model: LanguageModel, tokens: Tensor) -> Tensor:
    """Return log p(s) of one unit's sentences, int64 [beam, T], padded with stop."""
    special = special_ids(model.config.vocabulary_size)
    start = torch.full_like(tokens[:, :1], special.start)
    log_p = model(torch.cat([start, tokens], dim=1)).gather(2, tokens[..., None]).squeeze(2)
    stops = (tokens == special.stop).to(torch.int64)
    total: Tensor = (log_p * (stops.cumsum(dim=1) - stops == 0)).sum(dim=1)
    return total
