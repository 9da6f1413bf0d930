"""Train decoder and language model, with early stopping that restores the best weights.

Source: MILAN (Hernandez et al., ICLR 2022), section 3 and appendix. Its code keeps references to
the best weights instead of copies, and so ends with the last weights; this code keeps copies.
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
    """Training settings of one of the two networks.

    Attributes:
        batch: Sequences per step (official: 64 for the decoder, 128 for the language model).
        epochs: Largest number of epochs.
        patience: Stop after more than this number of epochs without a better score.
        rate: Learning rate of AdamW.
        decay: Weight decay of AdamW.
        seed: Seed of the order.
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
class FitResult:
    """Result of a training.

    Attributes:
        best: Best score; higher is better.
        best_epoch: Epoch of the best score, from 1; the weights are those after it.
        epochs: Number of epochs that were run.
    """

    best: float
    best_epoch: int
    epochs: int


def encode_all(
    descriptions: Sequence[Sequence[str]], vocabulary: Vocabulary, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all descriptions as token sequences of `length` after start; longer ones are cut.

    Returns:
        Tokens int64 [M, 1 + length], starting with start and padded; the sample of each sequence
        [M].
    """
    rows = [vocabulary.encode(text, length) for group in descriptions for text in group]
    owner = np.repeat(np.arange(len(descriptions)), [len(group) for group in descriptions])
    return np.array(rows, dtype=np.int64), owner.astype(np.int64)


def sequence_loss(log_p: torch.Tensor, tokens: torch.Tensor, pad: int) -> torch.Tensor:
    """Return the mean negative log-likelihood of the tokens after start, without padding.

    Args:
        log_p: Log-probabilities [B, T, V]; row t is for token t + 1.
        tokens: Tokens, int64 [B, 1 + T].
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
) -> FitResult:
    """Train a decoder in place; it ends with the weights of the best score.

    Args:
        decoder: The network.
        samples: Training samples.
        vocabulary: Vocabulary of the decoder.
        schedule: Training settings.
        score: Score of an epoch on validation units (BLEU of greedy sentences in MILAN); higher is
            better. The decoder is in evaluation mode.
        length: Tokens of a description, including stop.
        attention_weight: Weight of ``attention_loss``.
        device: torch device.
        progress: Show a progress bar on a terminal.
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
) -> FitResult:
    """Train a language model in place, as `fit_decoder`.

    Its score is minus the loss on held-out texts, descriptions of other units.
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

    return _fit(
        model, len(tokens), lambda at: loss_of(tokens[at]), schedule, score, device, progress
    )


def _fit(
    model: nn.Module, count: int, loss: Callable[[NDArray[np.int64]], torch.Tensor],
    schedule: Schedule, score: Callable[[], float], device: str, progress: bool,
) -> FitResult:  # fmt: skip
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
    return FitResult(float(best), best_epoch, epoch)


def _batches(
    count: int, schedule: Schedule, epoch: int, progress: bool
) -> Iterator[NDArray[np.int64]]:
    order = np.random.default_rng((schedule.seed, epoch)).permutation(count)
    quiet = not progress or not sys.stderr.isatty()
    starts = range(0, count, schedule.batch)
    for start in tqdm(starts, desc=f"epoch {epoch}", disable=quiet, file=sys.stderr):
        yield order[start : start + schedule.batch]
