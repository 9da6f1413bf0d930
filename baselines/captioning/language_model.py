"""The language model: log p(s) of a sentence without any image (MILAN, section 3.2).

It depends only on the tokens, so that equal prefixes of any units and beams are computed once
(`Prefixes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn.functional import linear, log_softmax

from baselines.captioning.cell import check_sizes, lstm_cell
from baselines.captioning.vocabulary import special_ids

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 1 << 24
"""Largest number of elements of the logits and gates of one batch of prefixes."""


@dataclass(frozen=True)
class LanguageModelConfig:
    """Sizes of a language model.

    Attributes:
        vocabulary_size: Number of tokens V, including the four special ones.
        embedding_size: Size of a token's embedding.
        hidden_size: Size H of an LSTM's state.
        layers: Number of stacked LSTMs.
        dropout: Dropout between them, during training only.
    """

    vocabulary_size: int
    embedding_size: int = 128
    hidden_size: int = 512
    layers: int = 2
    dropout: float = 0.5

    def __post_init__(self) -> None:
        sizes = (self.vocabulary_size, self.embedding_size, self.hidden_size, self.layers)
        check_sizes(self, sizes, self.dropout)


class Memory(NamedTuple):
    """The LSTMs' states: h and c, [layers, B, H] each."""

    h: Tensor
    c: Tensor


class LanguageModel(nn.Module):
    """p(token | tokens before).

    Args:
        config: Sizes of the model.
    """

    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.config = config
        self.specials = special_ids(config.vocabulary_size)
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size)
        self.lstm = nn.LSTM(
            config.embedding_size,
            config.hidden_size,
            config.layers,
            batch_first=True,
            dropout=config.dropout if config.layers > 1 else 0.0,
        )
        self.output = nn.Linear(config.hidden_size, config.vocabulary_size)

    def initial(self, count: int) -> Memory:
        """Return the states before start, all 0."""
        size = self.config.layers, count, self.config.hidden_size
        zeros = self.output.weight.new_zeros(size)
        return Memory(zeros, zeros)

    def step(self, memory: Memory, tokens: Tensor) -> tuple[Tensor, Memory]:
        """Read one token of each sentence; for inference, without dropout.

        Args:
            memory: States after the previous tokens.
            tokens: int64 [B].

        Returns:
            log p of the next token [B, V], and the states after this one.
        """
        x, h, c = self.embedding(tokens), [], []
        for layer in range(self.config.layers):
            w_ih, w_hh, b_ih, b_hh = (
                getattr(self.lstm, f"{name}_l{layer}")
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            gates = linear(x, w_ih, b_ih) + linear(memory.h[layer], w_hh, b_hh)
            x, cell = lstm_cell(gates, memory.c[layer])
            h.append(x)
            c.append(cell)
        after = Memory(torch.stack(h), torch.stack(c))
        return log_softmax(self.output(x), dim=-1), after

    def forward(self, tokens: Tensor) -> Tensor:
        """Read whole sentences.

        Args:
            tokens: Sentences from `Vocabulary.encode`, start first, int64 [B, T].

        Returns:
            log p [B, T - 1, V], where [:, t] is for tokens[:, t + 1].
        """
        read, _ = self.lstm(self.embedding(tokens[:, :-1]))
        return log_softmax(self.output(read), dim=-1)

    @torch.inference_mode()
    def sequence_log_p(self, tokens: Tensor, official: bool = False) -> Tensor:
        """Return log p(s) of whole sentences.

        Args:
            tokens: Tokens without start, int64 [B, T]; tokens after the first stop are ignored. A
                sentence may have no stop.
            official: Also count the token after the first stop, like the official code, whose mask
                begins two tokens after the stop. In its rerank strategy that token is another
                stop. A stop in the last column has no such token.

        Returns:
            Sums of log p of the tokens up to and including the first stop, [B].
        """
        stops = tokens == self.specials.stop
        counted = stops.cumsum(dim=1) - stops.to(torch.int64) == 0
        if official:
            counted[:, 1:] |= counted[:, :-1].clone()
        # unique() sorts, so that sentences with equal prefixes share a batch.
        unique, where = torch.unique(tokens.masked_fill(~counted, -1), dim=0, return_inverse=True)
        widest = max(self.config.vocabulary_size, 8 * self.config.hidden_size)
        parts = [self._sums(part) for part in unique.split(max(1, _AT_ONCE // widest))]
        return torch.cat(parts)[where] if parts else self.output.weight.new_zeros(0)

    def _sums(self, tokens: Tensor) -> Tensor:
        """Return sums of log p over the tokens before the first -1."""
        total = self.output.weight.new_zeros(len(tokens))
        prefixes = Prefixes(self)
        rows = torch.arange(len(tokens), device=tokens.device)
        nodes = prefixes.start(len(tokens))
        for t in range(tokens.shape[1]):
            left = tokens[rows, t] >= 0
            rows, nodes = rows[left], nodes[left]
            if not len(rows):
                break
            said = tokens[rows, t]
            total[rows] += prefixes.log_p[nodes, said]
            if t + 1 < tokens.shape[1]:
                nodes = prefixes.extend(nodes, said)
        return total


class Prefixes:
    """Prefixes of sentences, all of one length, each computed once.

    A sentence stores the number of its prefix, its node.

    Attributes:
        log_p: log p of the token after each prefix, [nodes, V].
    """

    log_p: Tensor

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._memory = model.initial(1)

    def start(self, count: int) -> Tensor:
        """Start `count` sentences, and return their nodes, int64 [count]."""
        device = self._memory.h.device
        zeros = torch.zeros(count, dtype=torch.int64, device=device)
        return self.extend(zeros, torch.full_like(zeros, self._model.specials.start))

    def extend(self, nodes: Tensor, tokens: Tensor) -> Tensor:
        """Extend sentences by a token.

        Args:
            nodes: Nodes of the sentences, int64 [R], possibly with duplicates.
            tokens: Next tokens, int64 [R].

        Returns:
            New nodes, int64 [R].
        """
        size = self._model.config.vocabulary_size
        pairs, where = torch.unique(nodes * size + tokens, return_inverse=True)
        parents = pairs // size
        memory = Memory(self._memory.h[:, parents], self._memory.c[:, parents])
        self.log_p, self._memory = self._model.step(memory, pairs % size)
        return where  # type: ignore[no-any-return]
