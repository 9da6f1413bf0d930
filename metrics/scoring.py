"""Score the labels of a layer by its true names: the entry point of this package.

Units that are dead in the evidence are left out, for all methods alike. A live unit without a label
counts as 0 for accuracy and lexical match, as C for its rank, and as a random concept for a cosine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.aggregate import aggregate_units, by_sentence_encoder, subsets
from metrics.answers import answer_columns
from metrics.catalog import (
    ANSWER_METRICS,
    AVERAGES,
    CONCEPT_AUROC,
    FALSE_LABELS,
    WITHOUT_CONCEPT,
    split_group,
)
from metrics.context import ControlContext, null, silence
from metrics.control_sentences import ControlSentences, write_sentences
from metrics.controls import chance, constant, listed, oracle
from metrics.credit_builder import CreditBuilder, TextScorer
from metrics.formulas import split_labels
from metrics.labels import LabelRules, normalise
from metrics.permutation import p_shuffled
from metrics.ranks import truth_ranks
from metrics.reach import find_reach
from metrics.references import reference_scores
from metrics.scores import Score, ScoringResult
from metrics.sentences import SentenceReader
from metrics.shuffled import shuffled
from metrics.units import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from metrics.answers import Answer
    from metrics.formulas import Reader
    from metrics.text import Embedder
    from metrics.truth import TrueName

TOP = 5
NO_MATRIX = "needs the full score matrix, which is no longer in the cache"
NO_SET = "free text: there is no concept set to rank"
NOT_IN_SET = "no scored unit's true name is in the concept set"
_UNBOUNDED = ("coverage", "reach", FALSE_LABELS, CONCEPT_AUROC, *ANSWER_METRICS)
"""Scores without a chance level and a ceiling."""


@dataclass(frozen=True)
class Labels:
    """Labels of the U units of a layer; attributes are the arguments of `score`."""

    labels: Sequence[Sequence[str]]
    label_scores: Sequence[Sequence[float]]
    concepts: tuple[str, ...] | None
    score_matrix: NDArray[np.floating] | None
    dead: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.labels)
        if len(self.label_scores) != n or np.shape(self.dead) != (n,):
            raise ValueError(
                f"{n} units have labels, {len(self.label_scores)} have scores, "
                f"and dead has shape {np.shape(self.dead)}"
            )
        for unit, (names, scores) in enumerate(zip(self.labels, self.label_scores, strict=True)):
            if len(names) != len(scores):
                raise ValueError(f"unit {unit} has {len(names)} labels but {len(scores)} scores")
            if "" in names:
                raise ValueError(f"unit {unit} has an empty label; leave the label out instead")
        if self.concepts is None:
            return
        if not self.concepts:
            raise ValueError("the concept set is empty")
        shape = (n, len(self.concepts))
        if self.score_matrix is not None and self.score_matrix.shape != shape:
            raise ValueError(f"the score matrix has shape {self.score_matrix.shape}, not {shape}")
        unknown = {name for names in self.labels for name in names} - set(self.concepts)
        if unknown:
            raise ValueError(f"label {min(unknown)!r} is not in the concept set")

    def vocabulary(self) -> tuple[str, ...]:
        """Return the concept set, or for free text the labels in use, sorted."""
        if self.concepts is not None:
            return self.concepts
        return tuple(sorted({name for names in self.labels for name in names}))


def score(
    *,
    labels: Sequence[Sequence[str]],
    label_scores: Sequence[Sequence[float]],
    concepts: Sequence[str] | None,
    score_matrix: NDArray[np.floating] | None,
    dead: ArrayLike,
    truth: Mapping[int, TrueName],
    sentence: Embedder | None,
    clip_text: Embedder | None = None,
    clip_reason: str = "",
    circular: bool = False,
    rules: LabelRules | None = None,
    reader: Reader | None = None,
    bert: Callable[..., Score] | None = None,
    withheld: Mapping[str, str] | None = None,
    without_concept: Collection[int] = (),
    answers: Sequence[Answer] | None = None,
    seed: int = 0,
) -> ScoringResult:
    """Score the labels that one method gives a layer.

    Args:
        labels: For each of U units its labels, best first, up to ten; empty for none.
        label_scores: The scores of those labels, in the same shape; NaN where the source has none.
        concepts: The C concepts that the labels come from; None for free text.
        score_matrix: Scores of all concepts, float32 [U, C]; None if they are not kept, which
            leaves the rank metrics without a value.
        dead: Whether the unit is dead in the evidence, bool [U].
        truth: True names by unit; may cover only some units, and only those are scored.
        sentence: Sentence embedder, unit-norm float32 [n, D]; None for none.
        clip_text: CLIP text embedder, unit-norm; None for none.
        clip_reason: Why the CLIP cosine has no value, where it has none.
        circular: The sentence embedder shares its tower with the labelling encoder: the CLIP
            cosine is left out and the sentence cosines are marked.
        rules: How labels are compared with true names; the default rule if None.
        reader: Returns the names in a label, for accuracy and lexical match; the label itself if
            None. With a `metrics.sentences.SentenceReader` the controls of free text are made.
        bert: Computes BERTScore where the truth has references (`metrics.references.BertScorer`);
            None for no value.
        withheld: Reasons by column of the table of units why it has no value, whatever the labels;
            the controls have none either.
        without_concept: Units that respond to no concept, for the share of them with a label.
        answers: The whole answer of each unit, of a method whose answers are sets of words; None
            where the first label is the answer.
        seed: Seed of bootstraps and of the chance draw.

    Returns:
        Scores, controls and the table of units.

    Raises:
        ValueError: Shapes do not fit, a label is not in the concept set, or the truth names a unit
            that the layer does not have.
    """
    given = Labels(
        labels,
        label_scores,
        None if concepts is None else tuple(concepts),
        score_matrix,
        np.asarray(dead, dtype=bool),
    )
    outside = sorted(unit for unit in truth if not 0 <= unit < len(labels))
    if outside:
        raise ValueError(f"the truth names unit {outside[0]}; the layer has {len(labels)} units")
    why_not = clip_reason or ("circular" if circular else "no CLIP text encoder was given")
    scorers = {
        "sentence_cosine": TextScorer(sentence, "no sentence encoder was given"),
        "clip_cosine": TextScorer(None if circular else clip_text, why_not),
    }
    rules = rules or LabelRules()
    withheld = withheld or {}
    context, units = _evaluate(given, truth, scorers, rules, reader, withheld, seed)
    if without_concept:
        units[WITHOUT_CONCEPT] = units["unit"].isin(list(without_concept)).astype(np.int64)
    if answers is not None:
        rows = context.units.tolist()
        layer = [truth[unit] for unit in sorted(truth)]
        own = answer_columns([answers[at] for at in rows], [truth[at] for at in rows], layer)
        units = units.join(own.set_index(context.units))
    values = aggregate_units(units, seed=seed, circular=circular, reasons=context.reasons)
    controls = {
        "chance": chance(context),
        "constant": constant(context),
        "shuffled": shuffled(context, values),
        "oracle": oracle(context),
    }
    if context.sentences is not None:
        controls["listed"] = listed(context)
    controls = {name: entries | _without(context, withheld) for name, entries in controls.items()}
    bounded = {name: _bounded(name, entry, controls) for name, entry in values.items()}
    for name, p in p_shuffled(context).items():
        if bounded[name].value is not None:
            bounded[name] = replace(bounded[name], p_shuffled=p)
    marked = {
        control: {
            name: replace(entry, circular=circular and by_sentence_encoder(name))
            for name, entry in entries.items()
        }
        for control, entries in controls.items()
    }
    sentences = units.loc[context.units, "label"].tolist()
    references = [truth[unit].references for unit in context.units.tolist()]
    bounded |= reference_scores(sentences, references, seed=seed, bert=bert)
    return ScoringResult(bounded, marked, units)


def _bounded(name: str, entry: Score, controls: Mapping[str, Mapping[str, Score]]) -> Score:
    """Add chance and ceiling over the same units to a score."""
    if entry.value is None or split_group(name)[0] in _UNBOUNDED:
        return entry
    ceiling = 1.0 if name == "auroc" else controls["oracle"][name].value
    return replace(entry, chance=controls["chance"][name].value, ceiling=ceiling)


def _without(context: ControlContext, withheld: Mapping[str, str]) -> dict[str, Score]:
    """Return scores without a value for withheld columns."""
    named = ((item, withheld.get(AVERAGES[item.metric].column)) for item in context.metric_slices())
    return {item.name: null(item, reason) for item, reason in named if reason is not None}


def _evaluate(
    given: Labels,
    truth: Mapping[int, TrueName],
    scorers: Mapping[str, TextScorer],
    rules: LabelRules,
    reader: Reader | None,
    withheld: Mapping[str, str],
    seed: int,
) -> tuple[ControlContext, pd.DataFrame]:
    """Fill the table of units, and gather what the controls need."""
    rows = np.array([u for u in sorted(truth) if not given.dead[u]], dtype=np.int64)
    truths = [truth[unit] for unit in rows.tolist()]
    vocabulary = given.vocabulary()
    place: dict[str, int] = {}
    for number, concept in enumerate(vocabulary):
        place.setdefault(concept, number)
    top = [_top(given.labels[unit], place, rules) for unit in rows]
    own = np.array([place[n[0]] if (n := given.labels[u]) else -1 for u in rows], dtype=np.int64)
    group = np.array([name.group for name in truths], dtype=object)
    reach = np.full(len(rows), "", dtype=object)
    if given.concepts is not None:
        reach[:] = find_reach(truths, split_labels(vocabulary, reader)[1])
    masks = subsets(own >= 0, group, reach)
    layer = [truth[unit] for unit in sorted(truth)]
    builder = CreditBuilder(truths, layer, scorers, rules, reader, np.stack(list(masks.values())))
    tables = builder.build(vocabulary)
    true, reasons = tables.true, tables.reasons

    table = _bare_table(given, truth)
    table.loc[rows, "reach"] = reach
    for name, credit in tables.credits.items():
        table.loc[rows, name] = credit.own(own, silence(name, credit))
    table.loc[rows, "accuracy_at_5"] = [
        float(not set(chosen.tolist()).isdisjoint(indices.tolist()))
        for chosen, indices in zip(top, true, strict=True)
    ]
    matrix = None
    if given.concepts is not None and given.score_matrix is not None:
        matrix = given.score_matrix if len(rows) == len(given.labels) else given.score_matrix[rows]
        ranks, found = truth_ranks(matrix, true)
        ranks[(own < 0) & ~np.isnan(ranks)] = len(vocabulary)
        found[own < 0] = np.nan
        table.loc[rows, "truth_rank"] = ranks
        table.loc[rows, "reciprocal_rank"] = 1 / ranks
        table.loc[rows, "truth_score"] = found
    why_no_rank = NO_SET if given.concepts is None else NO_MATRIX if matrix is None else NOT_IN_SET
    reasons |= {"truth_rank": why_no_rank, "reciprocal_rank": why_no_rank, **withheld}
    table.loc[:, list(withheld)] = np.nan
    live = np.flatnonzero(~given.dead)
    sentences = None
    if given.concepts is None and isinstance(reader, SentenceReader) and truths:
        right = table.loc[rows, "lexical_match"].to_numpy() == 1
        first = [given.labels[unit][0] for unit in live.tolist() if given.labels[unit]]
        texts, ceilings = write_sentences(
            reader, truths, list(table.loc[rows, "label"]), list(right), first
        )
        sentences = ControlSentences(texts, ceilings, builder.build(texts).credits)
    context = ControlContext(
        units=rows,
        live=live,
        concepts=vocabulary,
        has_set=given.concepts is not None,
        true=true,
        credits=tables.credits,
        reasons=reasons,
        labels=own,
        top=top,
        scores=matrix,
        subsets=masks,
        seed=seed,
        n_names=builder.n_names,
        sentences=sentences,
    )
    return context, table


def _top(names: Sequence[str], place: Mapping[str, int], rules: LabelRules) -> NDArray[np.int64]:
    """Return the first five different labels; a word that a set lists twice counts once."""
    seen: dict[str, int] = {}
    for name in names:
        seen.setdefault(name if rules.official else normalise(name), place[name])
    return np.array(list(seen.values())[:TOP], dtype=np.int64)


def _bare_table(given: Labels, truth: Mapping[int, TrueName]) -> pd.DataFrame:
    """Return the table of all units, without scores."""
    n = len(given.labels)
    names = [truth.get(unit) for unit in range(n)]
    table = pd.DataFrame(
        {
            "unit": np.arange(n, dtype=np.int64),
            "truth": np.array([t.name if t else "" for t in names], dtype=object),
            "group": np.array([t.group if t else "" for t in names], dtype=object),
            "label": np.array([labels[0] if labels else "" for labels in given.labels], object),
            "score": [float(scores[0]) if len(scores) else np.nan for scores in given.label_scores],
            "dead": given.dead,
            "reach": np.full(n, "", dtype=object),
        }
    )
    return table.reindex(columns=list(COLUMNS)).astype(
        {name: np.float64 for name in COLUMNS if name not in table or name == "score"}
    )
