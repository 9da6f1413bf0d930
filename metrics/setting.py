"""What the controls look at: the scored units, the vocabulary and the credit tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metrics.aggregate import Cut, cuts
from metrics.catalog import AVERAGES
from metrics.scores import Score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metrics.credit import Credit, Floats, Indices
    from metrics.written import Written

RANK_COLUMNS = frozenset({"truth_rank", "reciprocal_rank"})


@dataclass(frozen=True)
class Setting:
    """What the controls look at: R scored units and a vocabulary of V labels.

    Attributes:
        units: Numbers of the scored units, int64 [R].
        live: Numbers of all live units of the layer, which the variety of labels is over.
        concepts: The vocabulary: the concept set, or the labels in use for free text.
        has_set: Whether the vocabulary is a concept set.
        true: Indices of each unit's true concepts.
        credits: Summaries by column, for accuracy_at_1, lexical_match and what embedders judge, as
            far as it can be had; their subsets are `parts`' in order.
        reasons: By column, why it has no value.
        labels: Vocabulary index of each unit's label, int64 [R]; -1 for none.
        top: Vocabulary indices of each unit's best five different labels.
        scores: The R rows of the score matrix, or None.
        parts: Subsets of the units, bool [R], by `Cut.part`.
        seed: Seed of draws and bootstraps.
        n_names: Number of different true names of the layer.
        written: Sentences of the controls; None where labels are no sentences.
    """

    units: Indices
    live: Indices
    concepts: Sequence[str]
    has_set: bool
    true: Sequence[Indices]
    credits: Mapping[str, Credit]
    reasons: Mapping[str, str]
    labels: Indices
    top: Sequence[Indices]
    scores: NDArray[np.floating] | None
    parts: Mapping[str, NDArray[np.bool_]]
    seed: int
    n_names: int = 0
    written: Written | None = None

    @property
    def n_true(self) -> Indices:
        """Number of true concepts of each unit, int64 [R]."""
        return np.array([indices.size for indices in self.true], dtype=np.int64)

    def cuts(self) -> list[Cut]:
        """The names to score, in order."""
        return list(cuts([part[1:-1] for part in self.parts if part.startswith("[")]))

    def in_part(self, cut: Cut) -> NDArray[np.bool_]:
        """The units that a score is over: for ranks, those whose truth is in the set."""
        mask = self.parts[cut.part]
        return mask & (self.n_true > 0) if AVERAGES[cut.metric].column in RANK_COLUMNS else mask


def silence(column: str, credit: Credit) -> Floats:
    """What a live unit without a label scores, float64 [R].

    Of a cosine it is what a random label would score, else nothing.
    """
    return credit.row_mean if "cosine" in column else np.zeros_like(credit.row_mean)


def null(cut: Cut, reason: str) -> Score:
    """A score that cannot be had, and why."""
    return Score(None, higher_is_better=AVERAGES[cut.metric].higher_is_better, reason=reason)
