"""Search sentences: greedy, sampling, beam search, and reranking (MILAN, section 3.2).

A sentence has at most `max_length` tokens, including stop but not start. A sentence without stop is
kept unfinished, with the log p of its tokens. start, pad and unk are never generated (the official
search may generate unk). Ties go to the sentence whose prefix ranked higher, then to the lower
token. All units of a batch make a step together; batches change at most the last bits of scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from tqdm import tqdm

from baselines.captioning.hypotheses import Hypotheses
from baselines.captioning.ranking import first_best, pmi_order
from baselines.captioning.vocabulary import special_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from baselines.captioning.decoder import Decoder
    from baselines.captioning.language_model import LanguageModel

MAX_LENGTH = 15
_BYTES_AT_ONCE = {"cpu": 1 << 26, "cuda": 1 << 31}


@dataclass(frozen=True)
class Sentences:
    """Sentences of U units, n per unit by descending score, on the CPU.

    A unit may have fewer than n: places without a sentence come last, with a score of -inf.

    Attributes:
        tokens: Tokens without start, padded with stop, int64 [U, n, max_length].
        log_p: log p(s | v), [U, n].
        scores: Scores of the order, [U, n].
        log_prior: log p(s), [U, n]; None if it was not requested.
    """

    tokens: Tensor
    log_p: Tensor
    scores: Tensor
    log_prior: Tensor | None = None


@torch.inference_mode()
def beam(
    decoder: Decoder,
    features: Tensor,
    *,
    width: int = 50,
    max_length: int = MAX_LENGTH,
    language_model: LanguageModel | None = None,
    pmi_weight: float = 0.0,
    batch_size: int | None = None,
    progress: bool = False,
) -> Sentences:
    """Return the `width` likeliest sentences found by beam search.

    Scores are sums over tokens, not divided by lengths. A finished sentence stays in the beam as
    long as its score is high enough.

    Args:
        decoder: In eval mode.
        features: Features of the units' exemplars, [U, K, F], on any device.
        width: Number of sentences in the beam; each is extended by at most `width` tokens.
        max_length: Largest number of tokens.
        language_model: With it and a `pmi_weight`, tokens are scored by
            log p(w | ., v) - pmi_weight * log p(w | .).
        pmi_weight: Weight lambda.
        batch_size: Units per batch; None for as many as fit a fixed amount of memory.
        progress: Show a progress bar on a terminal.
    """
    prior = language_model if pmi_weight else None

    def work(part: Tensor, _: int) -> Sentences:
        return _beam(Hypotheses(decoder, part, prior), decoder, width, max_length, pmi_weight)

    return _in_batches(work, decoder, features, width, max_length, batch_size, progress)


def greedy(
    decoder: Decoder,
    features: Tensor,
    *,
    max_length: int = MAX_LENGTH,
    language_model: LanguageModel | None = None,
    pmi_weight: float = 0.0,
    batch_size: int | None = None,
    progress: bool = False,
) -> Sentences:
    """Return one sentence per unit, with the best token at each step (`beam` of width 1)."""
    return beam(
        decoder, features, width=1, max_length=max_length, language_model=language_model,
        pmi_weight=pmi_weight, batch_size=batch_size, progress=progress,
    )  # fmt: skip


@torch.inference_mode()
def rerank(
    decoder: Decoder,
    features: Tensor,
    language_model: LanguageModel,
    *,
    width: int = 50,
    pmi_weight: float = 0.2,
    official_lm_score: bool = False,
    max_length: int = MAX_LENGTH,
    batch_size: int | None = None,
    progress: bool = False,
) -> Sentences:
    """Return the likeliest sentences, ordered by log p(s | v) - pmi_weight * log p(s).

    Args:
        decoder: As of `beam`, like the other arguments.
        features: [U, K, F].
        language_model: In eval mode.
        width: Number of sentences in the beam.
        pmi_weight: Weight lambda.
        official_lm_score: Count one token too many in log p(s), like the official code (see
            `LanguageModel.sequence_log_p`); `log_prior` is not affected.
        max_length: As of `beam`.
        batch_size: As of `beam`.
        progress: As of `beam`.
    """
    found = beam(
        decoder, features, width=width, max_length=max_length, batch_size=batch_size,
        progress=progress,
    )  # fmt: skip
    return reorder(found, language_model, pmi_weight, official_lm_score=official_lm_score)


@torch.inference_mode()
def sample(
    decoder: Decoder,
    features: Tensor,
    units: Sequence[int],
    *,
    seed: int,
    count: int = 50,
    max_length: int = MAX_LENGTH,
    batch_size: int | None = None,
    progress: bool = False,
) -> Sentences:
    """Draw sentences from p(s | v), in the order of the draws.

    Args:
        decoder: In eval mode.
        features: Features of the units' exemplars, [U, K, F].
        units: Numbers of the U units. A unit's draws depend on its number and `seed`.
        seed: Seed, at least 0.
        count: Number of sentences per unit.
        max_length: Largest number of tokens.
        batch_size: Units per batch.
        progress: Show a progress bar on a terminal.

    Returns:
        Sentences with scores log p. Draws renormalise probabilities without the forbidden tokens;
        log p is the decoder's.
    """
    if len(units) != len(features):
        raise ValueError(f"{len(units)} units, but features of {len(features)}")
    draws = np.empty((len(units), count, max_length))
    for position, unit in enumerate(units):
        draws[position] = np.random.default_rng([seed, unit]).random((count, max_length))

    def work(part: Tensor, begin: int) -> Sentences:
        drawn = torch.from_numpy(draws[begin : begin + len(part)]).to(part.device)
        return _sample(Hypotheses(decoder, part, None), decoder, drawn)

    return _in_batches(work, decoder, features, count, max_length, batch_size, progress)


@torch.inference_mode()
def reorder(
    found: Sentences,
    language_model: LanguageModel | None,
    pmi_weight: float,
    *,
    official_lm_score: bool = False,
) -> Sentences:
    """Sort sentences by log p(s | v) - pmi_weight * log p(s), or by log p(s | v) without a model.

    Args:
        found: Sentences; ties keep their order.
        language_model: In eval mode.
        pmi_weight: Weight lambda.
        official_lm_score: See `rerank`.
    """
    log_prior = None if language_model is None else log_priors(found, language_model)
    weighed = log_prior
    if language_model is not None and official_lm_score:
        weighed = log_priors(found, language_model, official=True)
    if weighed is None:
        weighed, pmi_weight = torch.zeros_like(found.log_p), 0.0
    scores, order = pmi_order(found.log_p, weighed, pmi_weight)
    return Sentences(
        found.tokens.gather(1, order.unsqueeze(-1).expand_as(found.tokens)),
        found.log_p.gather(1, order),
        scores,
        None if log_prior is None else log_prior.gather(1, order),
    )


@torch.inference_mode()
def log_priors(
    found: Sentences, language_model: LanguageModel, *, official: bool = False
) -> Tensor:
    """Return the language model's log p(s) of each sentence, [U, n]."""
    tokens = found.tokens.flatten(0, 1).to(language_model.output.weight.device)
    return language_model.sequence_log_p(tokens, official).cpu().view_as(found.log_p)


def _in_batches(
    work: Callable[[Tensor, int], Sentences],
    decoder: Decoder,
    features: Tensor,
    width: int,
    max_length: int,
    batch_size: int | None,
    progress: bool,
) -> Sentences:
    """Run a search in batches of units."""
    weight, config = decoder.output.weight, decoder.config
    if batch_size is None:
        attended = features.shape[1] * config.attended_size
        numbers = attended + config.feature_size + 8 * config.hidden_size
        room = _BYTES_AT_ONCE.get(weight.device.type, 1 << 26)
        numbers += 3 * config.vocabulary_size
        batch_size = max(1, room // (weight.element_size() * width * numbers))
    parts = []
    with tqdm(total=len(features), unit="unit", disable=None if progress else True) as bar:
        for begin in range(0, len(features), batch_size):
            part = features[begin : begin + batch_size].to(weight)
            parts.append(work(part, begin))
            bar.update(len(part))
    if not parts:
        none = torch.empty(0, width)
        return Sentences(torch.empty(0, width, max_length, dtype=torch.int64), none, none)
    columns = ([getattr(part, name) for part in parts] for name in ("tokens", "log_p", "scores"))
    return Sentences(*map(torch.cat, columns))


def _beam(
    hypotheses: Hypotheses, decoder: Decoder, width: int, max_length: int, pmi_weight: float
) -> Sentences:
    size = decoder.config.vocabulary_size
    specials = special_ids(size)
    units = len(hypotheses.row_of)
    scores = decoder.output.weight.new_zeros(units, 1)
    log_p, done = scores, torch.zeros_like(scores, dtype=torch.bool)
    tokens = torch.empty(units, 1, 0, dtype=torch.int64, device=scores.device)
    for _ in range(max_length):
        at = hypotheses.rows
        steps = hypotheses.log_p()
        gains = steps - pmi_weight * hypotheses.log_prior() if pmi_weight else steps.clone()
        gains[:, list(specials.silent)] = -torch.inf
        table = scores.new_full((units, scores.shape[1], size), -torch.inf)
        table[at.units, at.places] = scores[at.units, at.places, None] + gains
        table[..., specials.stop] = torch.where(done, scores, table[..., specials.stop])
        scores, best = first_best(table.flatten(1), width)
        parents, said = best // size, best % size
        went_on = ~done.gather(1, parents) & (scores > -torch.inf)
        gained = steps[hypotheses.row_of.gather(1, parents), said]
        log_p = log_p.gather(1, parents) + torch.where(went_on, gained, 0.0)
        past = tokens.gather(1, parents.unsqueeze(-1).expand(-1, -1, tokens.shape[2]))
        tokens = torch.cat([past, said.unsqueeze(-1)], dim=2)
        done = done.gather(1, parents) | (said == specials.stop)
        active = ~done & (scores > -torch.inf)
        if tokens.shape[2] == max_length or not active.any():
            break
        hypotheses.extend(parents, said, active)
    log_p = log_p.masked_fill(scores == -torch.inf, -torch.inf)
    return _pad(tokens, log_p, scores, width, max_length, specials.stop)


def _sample(hypotheses: Hypotheses, decoder: Decoder, draws: Tensor) -> Sentences:
    """Sample with uniform numbers `draws`, float64 [B, n, max_length]."""
    specials = special_ids(decoder.config.vocabulary_size)
    units, count, max_length = draws.shape
    tokens = torch.full(draws.shape, specials.stop, device=draws.device)
    log_p = decoder.output.weight.new_zeros(units, count)
    parents = torch.zeros(units, count, dtype=torch.int64, device=draws.device)
    active = torch.ones_like(parents, dtype=torch.bool)
    for t in range(max_length):
        steps = hypotheses.log_p()
        shares = steps.double().exp()
        shares[:, list(specials.silent)] = 0
        bounds = shares.cumsum(dim=1)
        unit, place = active.nonzero(as_tuple=True)
        row = hypotheses.row_of[unit, parents[unit, place]]
        drawn = draws[unit, place, t] * bounds[row, -1]
        said = torch.searchsorted(bounds[row], drawn.unsqueeze(1), right=True).squeeze(1)
        tokens[unit, place, t] = said
        log_p[unit, place] += steps[row, said]
        active = active.clone()
        active[unit, place] = said != specials.stop
        if t + 1 == max_length or not active.any():
            break
        hypotheses.extend(parents, tokens[..., t], active)
        parents = torch.arange(count, device=draws.device).expand(units, -1)
    return _pad(tokens, log_p, log_p, count, max_length, specials.stop)


def _pad(
    tokens: Tensor, log_p: Tensor, scores: Tensor, width: int, max_length: int, stop: int
) -> Sentences:
    """Pad to `width` sentences and `max_length` tokens."""
    units, places, length = tokens.shape
    full = torch.full((units, width, max_length), stop, dtype=torch.int64)
    full[:, :places, :length] = tokens.cpu()
    wide = [torch.full((units, width), -torch.inf, dtype=log_p.dtype) for _ in range(2)]
    for target, values in zip(wide, (log_p, scores), strict=True):
        target[:, :places] = values.cpu()
    return Sentences(full, *wide)
