"""Looking for sentences: greedy, sampling, beam search, and reranking (MILAN, section 3.2).

A sentence is at most `max_length` tokens long, the stop counted and start not. One that has no stop
by then is unfinished: it is kept as it stands, and its log p is that of its tokens. start, pad and
unk are never said (the official search may say unk). Where scores are equal, the sentence whose
beginning ranked higher comes first, then the lower token. All units go through a step together;
how many at once changes nothing but the last bits of the scores.
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
    """Sentences of U units, each unit's n by falling score; all on the CPU.

    A unit may have fewer than n: places without a sentence have a score of -inf and stand last.

    Attributes:
        tokens: Without start, filled up with stop, int64 [U, n, max_length].
        log_p: log p(s | v), [U, n].
        scores: What they are ordered by, [U, n].
        log_prior: log p(s), [U, n]; None where it was not asked for.
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

    Scores are sums over tokens, not divided by lengths. A finished sentence keeps its place in the
    beam as long as its score does.

    Args:
        decoder: In eval mode.
        features: Of the units' exemplars, [U, K, F], on any device.
        width: Sentences kept at each step; each goes on by its `width` best tokens at most.
        max_length: Most tokens.
        language_model: With it and a `pmi_weight`, tokens are scored by
            log p(w | ., v) - pmi_weight * log p(w | .).
        pmi_weight: Lambda.
        batch_size: Units at once; None: as many as a fixed amount of memory holds.
        progress: Show a bar on a terminal.
    """
    prior = language_model if pmi_weight else None

    def work(part: Tensor, _: int) -> Sentences:
        return _beam(Hypotheses(decoder, part, prior), decoder, width, max_length, pmi_weight)

    return _in_parts(work, decoder, features, width, max_length, batch_size, progress)


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
        decoder: In eval mode.
        features: Of the units' exemplars, [U, K, F].
        language_model: In eval mode.
        width: Sentences kept at each step.
        pmi_weight: Lambda.
        official_lm_score: Count one token too many in log p(s), as the official code does (see
            `LanguageModel.sequence_log_p`); `log_prior` is the right one all the same.
        max_length: Most tokens.
        batch_size: Units at once.
        progress: Show a bar on a terminal.
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
        features: Of the units' exemplars, [U, K, F].
        units: The units' numbers, U of them. A unit's draws depend on its number and `seed`.
        seed: At least 0.
        count: Sentences of each unit.
        max_length: Most tokens.
        batch_size: Units at once.
        progress: Show a bar on a terminal.

    Returns:
        Scored by log p. The forbidden tokens' share goes to the others in proportion when a token
        is drawn; log p is the decoder's own.
    """
    if len(units) != len(features):
        raise ValueError(f"{len(units)} units, but features of {len(features)}")
    draws = np.empty((len(units), count, max_length))
    for position, unit in enumerate(units):
        draws[position] = np.random.default_rng([seed, unit]).random((count, max_length))

    def work(part: Tensor, begin: int) -> Sentences:
        drawn = torch.from_numpy(draws[begin : begin + len(part)]).to(part.device)
        return _sample(Hypotheses(decoder, part, None), decoder, drawn)

    return _in_parts(work, decoder, features, count, max_length, batch_size, progress)


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
        found: Any sentences; equal ones keep their order.
        language_model: In eval mode.
        pmi_weight: Lambda.
        official_lm_score: As for `rerank`.
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


def _in_parts(
    work: Callable[[Tensor, int], Sentences],
    decoder: Decoder,
    features: Tensor,
    width: int,
    max_length: int,
    batch_size: int | None,
    progress: bool,
) -> Sentences:
    """Run a search on some units after the others."""
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
    return Sentences(
        torch.cat([part.tokens for part in parts]),
        torch.cat([part.log_p for part in parts]),
        torch.cat([part.scores for part in parts]),
    )


def _beam(
    under_way: Hypotheses, decoder: Decoder, width: int, max_length: int, pmi_weight: float
) -> Sentences:
    size = decoder.config.vocabulary_size
    specials = special_ids(size)
    units = len(under_way.row_of)
    scores = decoder.output.weight.new_zeros(units, 1)
    log_p, done = scores, torch.zeros_like(scores, dtype=torch.bool)
    tokens = torch.empty(units, 1, 0, dtype=torch.int64, device=scores.device)
    for _ in range(max_length):
        at = under_way.rows
        steps = under_way.log_p()
        gains = steps - pmi_weight * under_way.log_prior() if pmi_weight else steps.clone()
        gains[:, list(specials.silent)] = -torch.inf
        table = scores.new_full((units, scores.shape[1], size), -torch.inf)
        table[at.units, at.places] = scores[at.units, at.places, None] + gains
        table[..., specials.stop] = torch.where(done, scores, table[..., specials.stop])
        scores, best = first_best(table.flatten(1), width)
        parents, said = best // size, best % size
        went_on = ~done.gather(1, parents) & (scores > -torch.inf)
        gained = steps[under_way.row_of.gather(1, parents), said]
        log_p = log_p.gather(1, parents) + torch.where(went_on, gained, 0.0)
        past = tokens.gather(1, parents.unsqueeze(-1).expand(-1, -1, tokens.shape[2]))
        tokens = torch.cat([past, said.unsqueeze(-1)], dim=2)
        done = done.gather(1, parents) | (said == specials.stop)
        active = ~done & (scores > -torch.inf)
        if tokens.shape[2] == max_length or not active.any():
            break
        under_way.extend(parents, said, active)
    log_p = log_p.masked_fill(scores == -torch.inf, -torch.inf)
    return _finished(tokens, log_p, scores, width, max_length, specials.stop)


def _sample(under_way: Hypotheses, decoder: Decoder, draws: Tensor) -> Sentences:
    """Sample with uniform numbers `draws`, float64 [B, n, max_length]."""
    specials = special_ids(decoder.config.vocabulary_size)
    units, count, max_length = draws.shape
    tokens = torch.full(draws.shape, specials.stop, device=draws.device)
    log_p = decoder.output.weight.new_zeros(units, count)
    parents = torch.zeros(units, count, dtype=torch.int64, device=draws.device)
    active = torch.ones_like(parents, dtype=torch.bool)
    for t in range(max_length):
        steps = under_way.log_p()
        shares = steps.double().exp()
        shares[:, list(specials.silent)] = 0
        bounds = shares.cumsum(dim=1)
        unit, place = active.nonzero(as_tuple=True)
        row = under_way.row_of[unit, parents[unit, place]]
        drawn = draws[unit, place, t] * bounds[row, -1]
        said = torch.searchsorted(bounds[row], drawn.unsqueeze(1), right=True).squeeze(1)
        tokens[unit, place, t] = said
        log_p[unit, place] += steps[row, said]
        active = active.clone()
        active[unit, place] = said != specials.stop
        if t + 1 == max_length or not active.any():
            break
        under_way.extend(parents, tokens[..., t], active)
        parents = torch.arange(count, device=draws.device).expand(units, -1)
    return _finished(tokens, log_p, log_p, count, max_length, specials.stop)


def _finished(
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
