"""The decoder: an LSTM with attention over a unit's exemplars (MILAN, appendix B).

From the K features v_k of a unit's exemplars:

    h_0 = tanh(W mean_k v_k),  c_0 = tanh(W' mean_k v_k)
    alpha = softmax_k(w . tanh(W_q h + W_k v_k))
    h, c = LSTM([emb(token); sigmoid(W_g h) * sum_k alpha_k v_k], h, c)
    log p = log_softmax(W_o dropout(h))

Two facts save most of the work of a search. W_k v_k is the same at every step and is computed once.
Of the inputs of the LSTM's gates only W emb(token) depends on the token: the rest (`Decoder.recur`:
attention, gate, and the products with the wide matrices) depends only on h, so that sentences with
a common prefix share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn.functional import linear, log_softmax

from baselines.captioning.cell import check_sizes, lstm_cell

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DecoderConfig:
    """Sizes of a decoder.

    Attributes:
        vocabulary_size: Number of tokens V, including the four special ones.
        feature_size: Size F of an exemplar's feature.
        hidden_size: Size H of the LSTM's state.
        embedding_size: Size of a token's embedding.
        attention_size: Size of the space where h and features are compared; None for min(512, F).
        dropout: Dropout before the output, during training only.
    """

    vocabulary_size: int
    feature_size: int
    hidden_size: int = 512
    embedding_size: int = 128
    attention_size: int | None = None
    dropout: float = 0.5

    def __post_init__(self) -> None:
        sizes = (
            self.vocabulary_size, self.feature_size, self.hidden_size, self.embedding_size,
            self.attended_size,
        )  # fmt: skip
        check_sizes(self, sizes, self.dropout)

    @property
    def attended_size(self) -> int:
        """Attention size A with its default."""
        return min(512, self.feature_size) if self.attention_size is None else self.attention_size


class DecoderInputs(NamedTuple):
    """Inputs of a decoder: B units with K exemplars each.

    Attributes:
        features: Features v, [B, K, F].
        keys: Keys W_k v, [B, K, A].
    """

    features: Tensor
    keys: Tensor

    def of(self, units: Tensor) -> DecoderInputs:
        """Return some of the units, by position."""
        return DecoderInputs(self.features[units], self.keys[units])


class State(NamedTuple):
    """State of the LSTM: h and c, [B, H], or [B, P, H] for P sentences of each unit."""

    h: Tensor
    c: Tensor


class Decoder(nn.Module):
    """p(token | tokens before, exemplars).

    Args:
        config: Sizes of the decoder.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        features, hidden, attended = config.feature_size, config.hidden_size, config.attended_size
        self.init_h = nn.Linear(features, hidden)
        self.init_c = nn.Linear(features, hidden)
        self.query = nn.Linear(hidden, attended)
        self.key = nn.Linear(features, attended)
        self.attention = nn.Linear(attended, 1, bias=False)  # a softmax does not see a bias
        self.gate = nn.Linear(hidden, features)
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size)
        self.lstm = nn.LSTMCell(config.embedding_size + features, hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(hidden, config.vocabulary_size)

    def prepare(self, features: Tensor) -> DecoderInputs:
        """Compute once what every step needs.

        Args:
            features: Features of the exemplars, [B, K, F].
        """
        return DecoderInputs(features, self.key(features))

    def initial(self, prepared: DecoderInputs) -> State:
        """Return the state before the first token, [B, H] each."""
        mean = prepared.features.mean(dim=1)
        return State(torch.tanh(self.init_h(mean)), torch.tanh(self.init_c(mean)))

    def recur(self, prepared: DecoderInputs, h: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the part of the next step that does not depend on the token.

        Args:
            prepared: Inputs of B units.
            h: State of P sentences of each unit, [B, P, H].

        Returns:
            Inputs of the LSTM's gates without the token's share, [B, P, 4 H]; alpha [B, P, K].
        """
        joined = self.query(h).unsqueeze(2) + prepared.keys.unsqueeze(1)  # [B, P, K, A]
        alpha = self.attention(joined.tanh_()).squeeze(-1).softmax(dim=-1)
        seen = torch.sigmoid(self.gate(h)) * torch.bmm(alpha, prepared.features)
        weight = self.lstm.weight_ih[:, self.config.embedding_size :]
        return linear(seen, weight) + linear(h, self.lstm.weight_hh, self.lstm.bias_hh), alpha

    def token_gates(self, tokens: Tensor | None = None) -> Tensor:
        """Return the token's share of the inputs of the LSTM's gates.

        Args:
            tokens: int64 of any shape; None for the whole vocabulary in order.

        Returns:
            [..., 4 H] for each token.
        """
        embedded = self.embedding.weight if tokens is None else self.embedding(tokens)
        weight = self.lstm.weight_ih[:, : self.config.embedding_size]
        return linear(embedded, weight, self.lstm.bias_ih)

    def readout(self, h: Tensor) -> Tensor:
        """Return log p of the next token, [..., V], from h [..., H]."""
        return log_softmax(self.output(self.dropout(h)), dim=-1)

    def step(
        self, prepared: DecoderInputs, state: State, tokens: Tensor
    ) -> tuple[Tensor, State, Tensor]:
        """Read one token of each sentence.

        Args:
            prepared: Inputs of B units.
            state: State after the previous tokens, [B, H] or [B, P, H] each.
            tokens: int64 [B], or [B, P] for P sentences of each unit.

        Returns:
            log p of the next token [B, V], the state after this one, and alpha [B, K]; with P
            sentences [B, P, V], [B, P, H] and [B, P, K].
        """
        if tokens.ndim == 1:
            wide = State(state.h.unsqueeze(1), state.c.unsqueeze(1))
            log_p, after, alpha = self.step(prepared, wide, tokens.unsqueeze(1))
            after = State(after.h.squeeze(1), after.c.squeeze(1))
            return log_p.squeeze(1), after, alpha.squeeze(1)
        gates, alpha = self.recur(prepared, state.h)
        after = State(*lstm_cell(gates + self.token_gates(tokens), state.c))
        return self.readout(after.h), after, alpha

    def forward(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Read whole sentences (teacher forcing).

        Args:
            features: Features of the exemplars, [B, K, F].
            tokens: Sentences from `Vocabulary.encode`, start first, int64 [B, T].

        Returns:
            log p [B, T - 1, V], where [:, t] is for tokens[:, t + 1], and alpha [B, T - 1, K].
        """
        prepared = self.prepare(features)
        h, c = self.initial(prepared)
        inputs = self.token_gates(tokens[:, :-1])
        states, alphas = [], []
        for t in range(inputs.shape[1]):
            gates, alpha = self.recur(prepared, h.unsqueeze(1))
            h, c = lstm_cell(gates.squeeze(1) + inputs[:, t], c)
            states.append(h)
            alphas.append(alpha.squeeze(1))
        return self.readout(torch.stack(states, dim=1)), torch.stack(alphas, dim=1)
