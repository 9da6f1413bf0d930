"""Unfinished sentences of several units, extended by the decoder in one batch.

Each unit has the same number of places for sentences. Places with finished sentences or without a
sentence cost nothing; sentences with a common prefix share most of a step (`Decoder.recur`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from baselines.captioning.cell import lstm_cell
from baselines.captioning.language_model import Prefixes
from baselines.captioning.vocabulary import special_ids

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.captioning.decoder import Decoder
    from baselines.captioning.language_model import LanguageModel


class Rows(NamedTuple):
    """Places of unfinished sentences, in the order of their states.

    Attributes:
        units: Units, int64 [R], ascending.
        places: Places, int64 [R], ascending within a unit.
    """

    units: Tensor
    places: Tensor


class Hypotheses:
    """Unfinished sentences; initially one per unit, which consists of start.

    Args:
        decoder: Decoder in inference mode.
        features: Features of B units' exemplars, [B, K, F].
        language_model: Language model to run alongside, or None.

    Attributes:
        rows: Places of the sentences.
        row_of: Row of each unit's places, int64 [B, n]; arbitrary for a place without a sentence.
    """

    rows: Rows
    row_of: Tensor

    def __init__(
        self, decoder: Decoder, features: Tensor, language_model: LanguageModel | None
    ) -> None:
        self._decoder = decoder
        self._prepared = decoder.prepare(features)
        self._inputs = decoder.token_gates()
        self._h, self._c = decoder.initial(self._prepared)
        self._prefixes = None if language_model is None else Prefixes(language_model)
        self.row_of = torch.arange(len(features), device=features.device).unsqueeze(1)
        first = torch.zeros_like(self.row_of)
        self._nodes = first.squeeze(1)
        start = special_ids(decoder.config.vocabulary_size).start
        self.extend(first, torch.full_like(first, start), torch.ones_like(first, dtype=torch.bool))

    def log_p(self) -> Tensor:
        """Return the decoder's log p(token | ., v) of each row's next token, [R, V]."""
        return self._decoder.readout(self._h)

    def log_prior(self) -> Tensor:
        """Return the language model's log p(token | .), [R, V].

        Raises:
            ValueError: There is no language model.
        """
        if self._prefixes is None:
            raise ValueError("there is no language model")
        return self._prefixes.log_p[self._nodes]

    def extend(self, parents: Tensor, tokens: Tensor, active: Tensor) -> None:
        """Replace the sentences by extensions, each of an old sentence by a token.

        Args:
            parents: Place of the old sentence, int64 [B, m].
            tokens: New tokens, int64 [B, m].
            active: Which sentences to continue, bool [B, m]; the others are dropped.
        """
        rows = Rows(*active.nonzero(as_tuple=True))
        old = parents[rows.units, rows.places]
        said = tokens[rows.units, rows.places]
        gates = self._parent_gates(rows.units, old) + self._inputs[said]
        before = self.row_of[rows.units, old]
        self._h, self._c = lstm_cell(gates, self._c[before])
        if self._prefixes is not None:
            self._nodes = self._prefixes.extend(self._nodes[before], said)
        self.rows = rows
        self.row_of = torch.zeros_like(parents)
        self.row_of[rows.units, rows.places] = torch.arange(len(said), device=said.device)

    def _parent_gates(self, units: Tensor, old: Tensor) -> Tensor:
        """Return the next step's inputs from each row's parent, [R, 4 H]; each computed once."""
        used = torch.zeros_like(self.row_of, dtype=torch.bool)
        used[units, old] = True
        alive = used.any(dim=1)
        used, row_of = used[alive], self.row_of[alive]
        widest = int(used.sum(dim=1).max())
        # Used places first; then pad to the unit with the most.
        places = used.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :widest]
        prepared = self._prepared if bool(alive.all()) else self._prepared.of(alive)
        gates, _ = self._decoder.recur(prepared, self._h[row_of.gather(1, places)])
        unit = (alive.cumsum(dim=0) - 1)[units]
        return gates[unit, (used.cumsum(dim=1) - 1)[unit, old]]
