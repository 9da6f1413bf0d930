"""Compute what texts would score for the units of a layer, one table of credits per metric."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from metrics.catalog import CONCEPT_IOU, EXACT_CONCEPTS
from metrics.concept_sets import concept_credits, has_concept_sets
from metrics.credit import Credit, cosine_credit, sparse_credit
from metrics.formulas import merge_credits, merge_hits, split_labels
from metrics.labels import true_concepts
from metrics.lexical import SYNONYM_CREDIT, lexical_credits
from metrics.nearest import distinct_names, nearest_hits
from metrics.sentences import SentenceReader
from metrics.text import Embedder, embed, text_cosines, truth_strings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metrics.credit import Indices
    from metrics.formulas import Reader
    from metrics.labels import LabelRules
    from metrics.truth import TrueName

NOTHING_TO_EMBED = "no unit is scored, or no unit has a label"
ONE_NAME = "the layer has a single true name, which is the nearest of all whatever the label"
SENTENCE = "sentence_cosine"
NEAREST = "nearest_name"


@dataclass(frozen=True)
class TextScorer:
    """An embedder for text cosines, or the reason for a missing one.

    Attributes:
        embedder: Unit-norm vectors of texts; called with the vocabulary, with the truths' strings
            and for sentences with the controls' texts, once each. None for none.
        reason: Reason, if it is missing.
    """

    embedder: Embedder | None
    reason: str = ""


@dataclass(frozen=True)
class CreditTables:
    """Credits of V texts for R units.

    Attributes:
        true: For each unit, ascending indices of the texts that are right.
        credits: Tables by column of the table of units.
        reasons: Reasons for missing tables, by column.
    """

    true: list[Indices]
    credits: dict[str, Credit]
    reasons: dict[str, str]


@dataclass(frozen=True)
class CreditBuilder:
    """Builds tables of credits by a truth, rules and judges.

    Attributes:
        truths: True names of the R scored units.
        layer: All true names of the layer, including those of dead units.
        scorers: By name of their column.
        rules: How labels are compared with true names.
        reader: Returns the names in a label; the label itself if None.
        masks: Subsets of the scored units, bool [S, R].
    """

    truths: Sequence[TrueName]
    layer: Sequence[TrueName]
    scorers: Mapping[str, TextScorer]
    rules: LabelRules
    reader: Reader | None
    masks: NDArray[np.bool_]

    @cached_property
    def n_names(self) -> int:
        """The number of different true names of the layer."""
        return len(distinct_names(self.layer))

    @cached_property
    def _strings(self) -> list[str]:
        return truth_strings(self.layer)

    @cached_property
    def _vectors(self) -> dict[str, NDArray[np.float32]]:
        """The vectors of the truths' strings, by scorer."""
        return {
            name: embed(scorer.embedder, self._strings)
            for name, scorer in self.scorers.items()
            if scorer.embedder is not None
        }

    def build(self, texts: Sequence[str]) -> CreditTables:
        """Build the tables of some texts.

        Args:
            texts: V different labels, such as a concept set or the labels in use.
        """
        owners, names = split_labels(texts, self.reader)
        name_credits = lexical_credits(self.truths, names)
        lexical = merge_credits(name_credits, owners)
        if isinstance(self.reader, SentenceReader) and not self.rules.official:
            right = [indices[earned == SYNONYM_CREDIT] for indices, earned in name_credits]
        else:
            right = true_concepts(self.truths, names, self.rules)
        true = merge_hits(right, owners)
        credits = {
            "accuracy_at_1": self._hits(true, len(texts)),
            "lexical_match": sparse_credit(lexical, len(texts), self.masks),
        }
        if has_concept_sets(self.layer):
            overlaps = concept_credits(self.truths, self.layer, texts, self.reader)
            equal = [indices[values == 1] for indices, values in overlaps]
            credits[CONCEPT_IOU] = sparse_credit(overlaps, len(texts), self.masks)
            credits[EXACT_CONCEPTS] = self._hits(equal, len(texts))
        reasons: dict[str, str] = {}
        for name, scorer in self.scorers.items():
            columns = [name, f"{name}_best_synonym", *([NEAREST] if name == SENTENCE else [])]
            if self.truths and scorer.embedder is None:
                reasons |= dict.fromkeys(columns, scorer.reason)
            elif scorer.embedder is None or not self.truths or not texts:
                reasons |= dict.fromkeys(columns, NOTHING_TO_EMBED)
            else:
                credits |= self._by_embedding(name, embed(scorer.embedder, texts))
                if name == SENTENCE and NEAREST not in credits:
                    reasons[NEAREST] = ONE_NAME
        return CreditTables(true, credits, reasons)

    def _hits(self, hits: Sequence[Indices], n_texts: int) -> Credit:
        entries = [(indices, np.ones(indices.size)) for indices in hits]
        return sparse_credit(entries, n_texts, self.masks)

    def _by_embedding(self, name: str, texts: NDArray[np.float32]) -> dict[str, Credit]:
        place = {text: number for number, text in enumerate(self._strings)}
        chosen = [place[text] for text in truth_strings(self.truths)]
        vectors = self._vectors[name]
        found = {}
        for column, best in ((name, False), (f"{name}_best_synonym", True)):
            cosines = text_cosines(self.truths, texts, vectors[chosen], best_synonym=best)
            found[column] = cosine_credit(cosines, self.masks)
        if name == SENTENCE and self.n_names > 1:
            hits = nearest_hits(self.truths, self.layer, place, texts, vectors)
            found[NEAREST] = self._hits(hits, len(texts))
        return found
