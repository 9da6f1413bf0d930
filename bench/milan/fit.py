"""Trains decoder and language model, with early stopping that restores the best weights.

MILAN (Hernandez et al., ICLR 2022), section 3 and appendix; its code keeps references to the best
weights instead of copies, and so ends with the last ones. Ours keeps copies.
"""

from __future__ import annotations

import copy
import logging
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as functional
from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from baselines.captioning.decoder import Decoder
    from baselines.captioning.language_model import LanguageModel
    from baselines.captioning.vocabulary import Vocabulary
    from bench.milan.samples import Samples

_LOG = logging.getLogger(__name__)
_CLIP = 5.0


@dataclass(frozen=True)
class Schedule:
    """How one of the two networks is trained.

    Attributes:
        batch: Sequences per step (official: 64 for the decoder, 128 for the language model).
        epochs: Most epochs.
        patience: Training stops after more than so many epochs without a better score.
        rate: AdamW's learning rate.
        decay: Its weight decay.
        seed: Of the order.
    """

    batch: int = 64
    epochs: int = 100
    patience: int = 4
    rate: float = 1e-3
    decay: float = 1e-2
    seed: int = 0

    def record(self) -> dict[str, Any]:
        """Return the schedule as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Trained:
    """How a training went.

    Attributes:
        best: The best score, higher is better.
        best_epoch: Its epoch, from 1; the weights are those after it.
        epochs: How many were run.
    """

    best: float
    best_epoch: int
    epochs: int


def encode_all(
    descriptions: Sequence[Sequence[str]], vocabulary: Vocabulary, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the token sequences of all descriptions, each one training example.

    Args:
        descriptions: Texts of each sample.
        vocabulary: Their words.
        length: Tokens of a sequence behind the start token; longer texts are cut.

    Returns:
        Tokens int64 [M, 1 + length] beginning with start and padded, and each sequence's sample
        [M].
    """
    rows = [vocabulary.encode(text, length) for group in descriptions for text in group]
    owner = np.repeat(np.arange(len(descriptions)), [len(group) for group in descriptions])
    return np.array(rows, dtype=np.int64), owner.astype(np.int64)


def sequence_loss(log_p: torch.Tensor, tokens: torch.Tensor, pad: int) -> torch.Tensor:
    """Return the mean negative log-likelihood of the tokens after start, without padding.

    Args:
        log_p: [B, T, V], row t that of token t + 1.
        tokens: int64 [B, 1 + T].
        pad: The padding token.
    """
    return functional.nll_loss(log_p.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=pad)


def attention_loss(alphas: torch.Tensor) -> torch.Tensor:
    """Return the mean of (1 - sum over steps of alpha)^2: attend to every exemplar.

    Args:
        alphas: Attention [B, T, K].
    """
    return ((1 - alphas.sum(dim=1)) ** 2).mean()


def fit_decoder(
    decoder: Decoder,
    samples: Samples,
    vocabulary: Vocabulary,
    schedule: Schedule,
    score: Callable[[Decoder], float],
    *,
    length: int = 15,
    attention_weight: float = 1.0,
    device: str = "cpu",
    progress: bool = True,
) -> Trained:
    """Train a decoder in place; it ends with the weights of the best score.

    Args:
        decoder: The network.
        samples: To train on.
        vocabulary: Its words.
        schedule: How.
        score: What an epoch is judged by, on units that are not trained on (BLEU of greedy
            sentences in MILAN); higher is better. The decoder is in evaluation mode.
        length: Tokens of a description, the stop included.
        attention_weight: Of ``attention_loss`` beside the likelihood.
        device: torch device.
        progress: Show a bar on a terminal.
    """
    tokens, owner = encode_all(samples.descriptions, vocabulary, length)

    def loss(index: NDArray[np.int64]) -> torch.Tensor:
        taken = np.ascontiguousarray(samples.features[owner[index]])
        features = torch.from_numpy(taken).to(device).float()
        wanted = torch.from_numpy(tokens[index]).to(device)
        log_p, alphas = decoder(features, wanted)
        return sequence_loss(log_p, wanted, vocabulary.pad) + attention_weight * attention_loss(
            alphas
        )

    return _fit(decoder, len(tokens), loss, schedule, lambda: score(decoder), device, progress)


def fit_language_model(
    model: LanguageModel,
    texts: Sequence[str],
    held_out: Sequence[str],
    vocabulary: Vocabulary,
    schedule: Schedule,
    *,
    length: int = 15,
    device: str = "cpu",
    progress: bool = True,
) -> Trained:
    """Train a language model in place, scored by minus the loss on held-out texts.

    Args:
        model: The network.
        texts: Descriptions to train on.
        held_out: Descriptions of other units.
        vocabulary: Their words.
        schedule: How.
        length: Tokens of a description, the stop included.
        device: torch device.
        progress: Show a bar on a terminal.
    """
    tokens, _ = encode_all([texts], vocabulary, length)
    others, _ = encode_all([held_out], vocabulary, length)

    def loss_of(rows: NDArray[np.int64]) -> torch.Tensor:
        wanted = torch.from_numpy(rows).to(device)
        return sequence_loss(model(wanted), wanted, vocabulary.pad)

    @torch.no_grad()
    def score() -> float:
        weights, losses = [], []
        for start in range(0, len(others), 512):
            rows = others[start : start + 512]
            weights.append(float((rows[:, 1:] != vocabulary.pad).sum()))
            losses.append(float(loss_of(rows)))
        return -float(np.average(losses, weights=weights))

    def loss(index: NDArray[np.int64]) -> torch.Tensor:
        return loss_of(tokens[index])

    return _fit(model, len(tokens), loss, schedule, score, device, progress)


def _fit(
    model: nn.Module,
    count: int,
    loss: Callable[[NDArray[np.int64]], torch.Tensor],
    schedule: Schedule,
    score: Callable[[], float],
    device: str,
    progress: bool,
) -> Trained:
    model.to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=schedule.rate, weight_decay=schedule.decay)
    best, best_epoch, epoch = -np.inf, 0, 0
    kept = copy.deepcopy(model.state_dict())
    for epoch in range(1, schedule.epochs + 1):
        model.train()
        total = 0.0
        for index in _batches(count, schedule, epoch, progress):
            value = loss(index)
            optimiser.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
            optimiser.step()
            total += float(value.detach()) * len(index)
        model.eval()
        now = score()
        _LOG.info("epoch %d: loss %.4f, score %.4f", epoch, total / count, now)
        if now > best:
            best, best_epoch = now, epoch
            kept = copy.deepcopy(model.state_dict())
        elif epoch - best_epoch > schedule.patience:
            break
    model.load_state_dict(kept)
    model.eval()
    return Trained(float(best), best_epoch, epoch)


def _batches(
    count: int, schedule: Schedule, epoch: int, progress: bool
) -> Iterator[NDArray[np.int64]]:
    order = np.random.default_rng((schedule.seed, epoch)).permutation(count)
    quiet = not progress or not sys.stderr.isatty()
    starts = range(0, count, schedule.batch)
    for start in tqdm(starts, desc=f"epoch {epoch}", disable=quiet, file=sys.stderr):
        yield order[start : start + schedule.batch]
