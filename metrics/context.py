"""The input of the controls: scored units, vocabulary and tables of credits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metrics.aggregate import MetricSlice, metric_slices
from metrics.catalog import AVERAGES
from metrics.scores import Score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metrics.control_sentences import ControlSentences
    from metrics.credit import Credit, Floats, Indices

RANK_COLUMNS = frozenset({"truth_rank", "reciprocal_rank"})


@dataclass(frozen=True)
class ControlContext:
    """R scored units and a vocabulary of V labels.

    Attributes:
        units: Numbers of the scored units, int64 [R].
        live: Numbers of all live units of the layer, which the variety of labels is over.
        concepts: The vocabulary: the concept set, or the labels in use for free text.
        has_set: Whether the vocabulary is a concept set.
        true: Indices of each unit's true concepts.
        credits: Summaries by column, of accuracy_at_1, lexical_match and the columns of the
            embedders in use; their subsets are `subsets` in order.
        reasons: Reasons for missing values, by column.
        labels: Vocabulary index of each unit's label, int64 [R]; -1 for none.
        top: Vocabulary indices of each unit's best five different labels.
        scores: The R rows of the score matrix, or None.
        subsets: Subsets of the units, bool [R], by `MetricSlice.subset`.
        seed: Seed of draws and bootstraps.
        n_names: Number of different true names of the layer.
        sentences: Sentences of the controls; None for labels from a set.
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
    subsets: Mapping[str, NDArray[np.bool_]]
    seed: int
    n_names: int = 0
    sentences: ControlSentences | None = None

    @property
    def n_true(self) -> Indices:
        """The number of true concepts of each unit, int64 [R]."""
        return np.array([indices.size for indices in self.true], dtype=np.int64)

    def metric_slices(self) -> list[MetricSlice]:
        """Return the slices to score, in order."""
        groups = [part[1:-1] for part in self.subsets if part.startswith("[")]
        return list(metric_slices(groups, self.credits))

    def in_subset(self, item: MetricSlice) -> NDArray[np.bool_]:
        """Return the units of a slice; for ranks, those whose true name is in the set."""
        mask = self.subsets[item.subset]
        return mask & (self.n_true > 0) if AVERAGES[item.metric].column in RANK_COLUMNS else mask


def silence(column: str, credit: Credit) -> Floats:
    """Return the score of live units without a label [R]: for cosines a random label's, else 0."""
    return credit.row_mean if "cosine" in column else np.zeros_like(credit.row_mean)


def null(item: MetricSlice, reason: str) -> Score:
    """Return a score without a value, for a reason."""
    return Score(None, higher_is_better=AVERAGES[item.metric].higher_is_better, reason=reason)
