"""Compare answers that are sets of words with all concepts that a unit responds to.

An answer is a method's whole set for a unit, not its first label: the words of a set, or the names
of a formula that are not negated. Words are read as in `metrics.concept_sets`: synonyms and
inflections of a concept count as it. A method may list everything: each wrong word costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.catalog import (
    ANSWER_EXACT,
    ANSWER_F1,
    ANSWER_FIRST,
    ANSWER_METRICS,
    ANSWER_SIZE,
    ANSWER_WEIGHT,
)
from metrics.concept_sets import ConceptReader, concepts_of, n_shared
from metrics.formulas import FormulaReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metrics.concept_sets import Concepts
    from metrics.formulas import Reader
    from metrics.truth import TrueName


@dataclass(frozen=True)
class Answer:
    """The set of words that a method gives a unit.

    Attributes:
        words: Words, best first.
        size: Number of words of the whole set, of which `words` may be the first.
        weights: Weight of each word; None where the method gives none, as in a formula.
    """

    words: Sequence[str]
    size: int
    weights: Sequence[float] | None = None


def read_answers(
    labels: Sequence[Sequence[str]],
    label_scores: Sequence[Sequence[float]],
    reader: Reader | None,
    sizes: Sequence[int] | None,
) -> list[Answer] | None:
    """Return the answers of a layer's units; None where a label is an answer of its own.

    Args:
        labels: Labels of each unit, best first.
        label_scores: Their scores.
        reader: What finds names in labels: a formula's first label is the answer.
        sizes: Number of words in each unit's set, of which the labels are the first; None where the
            method gives no sets.
    """
    if isinstance(reader, FormulaReader):
        formulas = [reader.asked(own[0]) if own else () for own in labels]
        return [Answer(names, len(names)) for names in formulas]
    if sizes is None:
        return None
    return [
        Answer(own[:size], size, scores[:size])
        for own, scores, size in zip(labels, label_scores, sizes, strict=True)
    ]


def answer_columns(
    answers: Sequence[Answer], truths: Sequence[TrueName], layer: Sequence[TrueName]
) -> pd.DataFrame:
    """Return what each unit's answer scores, by the names of `ANSWER_METRICS`.

    Args:
        answers: Answers of R units.
        truths: Their true names.
        layer: All true names of the layer.
    """
    read = ConceptReader(layer, None)
    rows = [
        _score(answer, [read(word) for word in answer.words], concepts_of(truth))
        for answer, truth in zip(answers, truths, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(ANSWER_METRICS), dtype=np.float64)


def _score(answer: Answer, said: Sequence[Concepts], true: frozenset[str]) -> dict[str, float]:
    """Score one answer by the concepts of its words and those of the unit."""
    right = np.array([all(names & true for names in concepts) for concepts in said], dtype=bool)
    unread = answer.size - len(answer.words)
    together: Concepts = frozenset().union(*said)
    shared, n_said = n_shared(together, true), len(together) + unread
    return {
        ANSWER_EXACT: float(shared == n_said == len(true)),
        ANSWER_F1: 2 * shared / (n_said + len(true)),
        ANSWER_FIRST: float(right[:1].any()),
        ANSWER_WEIGHT: np.nan if answer.weights is None else _share(answer.weights, right, unread),
        ANSWER_SIZE: float(answer.size),
    }


def _share(weights: Sequence[float], right: NDArray[np.bool_], unread: int) -> float:
    """Return the share of positive weight on right words.

    Words that are not listed count as wrong, with the weight of the last one that is.
    """
    positive = np.maximum(np.nan_to_num(np.asarray(weights, dtype=np.float64)), 0)
    total = positive.sum() + unread * (positive[-1] if positive.size else 0)
    return float(positive[right].sum() / total) if total else 0.0
