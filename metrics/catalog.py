"""The table of metrics: how each score is averaged, shown and explained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Format = Literal["fraction", "rank", "count"]

DECISION_TRUTH = "decision_truth"
DECISION_PREDICTION = "decision_prediction"
DECISIONS = (DECISION_TRUTH, DECISION_PREDICTION)
CONCEPT_IOU = "concept_iou"
EXACT_CONCEPTS = "exact_concepts"
SET_METRICS = (CONCEPT_IOU, EXACT_CONCEPTS)
"""Scores of truths that list all concepts of a unit; other layers do not have them."""
ANSWER_EXACT = "answer_exact"
ANSWER_F1 = "answer_f1"
ANSWER_FIRST = "answer_first"
ANSWER_WEIGHT = "answer_weight"
ANSWER_SIZE = "answer_size"
ANSWER_METRICS = (ANSWER_EXACT, ANSWER_F1, ANSWER_FIRST, ANSWER_WEIGHT, ANSWER_SIZE)
"""Scores of methods that answer in sets of words or formulas; other methods do not have them."""
FALSE_LABELS = "false_labels"
CONCEPT_AUROC = "concept_auroc"
WITHOUT_CONCEPT = "without_concept"
"""Column of the table of units: whether a unit is known to respond to no concept; only of layers
with such units."""
LABEL_STABILITY = "label_stability"
"""Measured by runs with `runtime.bootstraps`, in a file of its own."""
HEADLINES = (
    "lexical_match",
    "accuracy_at_1",
    *SET_METRICS,
    "sentence_cosine",
    *DECISIONS,
)
"""Scores with a summary table, in order; methods are sorted by the first that has values."""

FRACTION = (0.0, 1.0)
COSINE = (-1.0, 1.0)


@dataclass(frozen=True)
class Metric:
    """One score of a layer.

    Attributes:
        title: Column title on a page.
        meaning: One sentence for a reader.
        format: How a value is rounded.
        column: Column of the table of units that the score averages; empty where it is computed
            otherwise.
        average: "proportion" (of zeros and ones), "mean", or "median" (the upper one).
        higher_is_better: Direction.
        by_group: Whether each group of true names has the score too.
        limits: The least and the greatest value of a unit, for "mean".
        ranks: Whether it ranks methods; other scores only describe the labels.
        judged: Whether it depends on models that judge.
    """

    title: str
    meaning: str
    format: Format = "fraction"
    column: str = ""
    average: Literal["proportion", "mean", "median"] = "mean"
    higher_is_better: bool = True
    by_group: bool = False
    limits: tuple[float, float] | None = None
    ranks: bool = True
    judged: bool = False


METRICS = {
    "accuracy_at_1": Metric(
        "accuracy@1",
        "Share of units whose label is the true name or a synonym.",
        column="accuracy_at_1",
        average="proportion",
        by_group=True,
    ),
    "accuracy_at_5": Metric(
        "accuracy@5",
        "Share of units with the true name among the five best labels.",
        column="accuracy_at_5",
        average="proportion",
        by_group=True,
    ),
    "mean_rank": Metric(
        "mean rank",
        "Mean rank of the true name among all concepts; lower is better.",
        "rank",
        column="truth_rank",
        higher_is_better=False,
        by_group=True,
    ),
    "median_rank": Metric(
        "median rank",
        "Median of the same.",
        "rank",
        column="truth_rank",
        average="median",
        higher_is_better=False,
    ),
    "mrr": Metric(
        "MRR", "Mean of 1 / rank of the true name.", column="reciprocal_rank", limits=FRACTION
    ),
    "auroc": Metric(
        "AUROC", "How well the method's own score tells its right labels from wrong ones."
    ),
    "clip_cosine": Metric(
        "CLIP cosine",
        "Cosine of label and full true name in CLIP's text tower.",
        column="clip_cosine",
        limits=COSINE,
        judged=True,
    ),
    "clip_cosine_best_synonym": Metric(
        "CLIP cosine, best synonym",
        "The same, against the nearest synonym.",
        column="clip_cosine_best_synonym",
        limits=COSINE,
        judged=True,
    ),
    "sentence_cosine": Metric(
        "sentence cosine",
        "Cosine of label and full true name in the sentence encoder.",
        column="sentence_cosine",
        by_group=True,
        limits=COSINE,
        judged=True,
    ),
    "sentence_cosine_best_synonym": Metric(
        "sentence cosine, best synonym",
        "The same, against the nearest synonym.",
        column="sentence_cosine_best_synonym",
        by_group=True,
        limits=COSINE,
        judged=True,
    ),
    "lexical_match": Metric(
        "lexical match",
        "1 for the true name, an inflection or a listed synonym, 0.5 for a listed broader name, "
        "else 0; no model judges.",
        column="lexical_match",
        by_group=True,
        limits=FRACTION,
    ),
    CONCEPT_IOU: Metric(
        "concept IoU",
        "Concepts that label and unit have in common, as a share of the concepts of either.",
        column=CONCEPT_IOU,
        by_group=True,
        limits=FRACTION,
    ),
    EXACT_CONCEPTS: Metric(
        "exact concepts",
        "Share of units whose label says all of their concepts and no other.",
        column=EXACT_CONCEPTS,
        average="proportion",
        by_group=True,
    ),
    ANSWER_EXACT: Metric(
        "answer: exact",
        "Share of units whose whole set of words, or formula, names all of their concepts and no "
        "other.",
        column=ANSWER_EXACT,
        average="proportion",
        by_group=True,
    ),
    ANSWER_F1: Metric(
        "answer: F1",
        "Harmonic mean of the share of a set's words that are right and the share of the unit's "
        "concepts that it names.",
        column=ANSWER_F1,
        by_group=True,
        limits=FRACTION,
    ),
    ANSWER_FIRST: Metric(
        "answer: first word",
        "Share of units for which the first word of the set is right.",
        column=ANSWER_FIRST,
        average="proportion",
    ),
    ANSWER_WEIGHT: Metric(
        "answer: weight",
        "Share of a set's positive weight on right words.",
        column=ANSWER_WEIGHT,
        limits=FRACTION,
    ),
    ANSWER_SIZE: Metric(
        "answer: words",
        "Mean number of words in a set.",
        "rank",
        column=ANSWER_SIZE,
        higher_is_better=False,
        ranks=False,
    ),
    "nearest_name": Metric(
        "nearest true name",
        "Share of units whose label is nearer, in the sentence encoder, to their own true name or "
        "a synonym than to any other true name of the layer.",
        column="nearest_name",
        average="proportion",
        by_group=True,
        judged=True,
    ),
    "bleu": Metric(
        "BLEU", "Corpus BLEU against the references (13a tokens, lower case), from 0 to 1."
    ),
    "bertscore_f1": Metric(
        "BERTScore F1",
        "Rescaled, so that unrelated sentences score 0; the best of a unit's references.",
        judged=True,
    ),
    DECISION_TRUTH: Metric(
        "decisions: true class",
        "Share of images for which the label of the unit that contributed most to the network's "
        "decision is nearer to the name of the image's class than to that of any other. The "
        "interval is over images.",
        judged=True,
    ),
    DECISION_PREDICTION: Metric(
        "decisions: predicted class",
        "The same, for the class that the network predicted.",
        judged=True,
    ),
    "distinct_labels": Metric(
        "distinct labels", "Number of different labels given.", "count", ranks=False
    ),
    "top_label_share": Metric(
        "top label's share",
        "Share of the units that got the most frequent label.",
        higher_is_better=False,
        ranks=False,
    ),
    LABEL_STABILITY: Metric(
        "label stability",
        "Mean share of bootstrap resamples of the probe images in which a unit keeps its first "
        "label; the interval is over units.",
        limits=FRACTION,
        ranks=False,
    ),
    "coverage": Metric("coverage", "Share of live units that got a label.", ranks=False),
    "reach": Metric(
        "reach",
        "Share of the true names that the concept set holds, exactly, by a synonym or by an "
        "inflection; no label of a single concept names the others.",
        ranks=False,
    ),
    FALSE_LABELS: Metric(
        "false labels",
        "Share of live units that got a label although they respond to no concept; lower is "
        "better.",
        higher_is_better=False,
    ),
    CONCEPT_AUROC: Metric(
        "AUROC, concept or none",
        "How well the method's own score tells units with a true name from those that respond to "
        "no concept.",
    ),
}

AVERAGES = {name: metric for name, metric in METRICS.items() if metric.column}
"""The metrics that average a column of the table of units."""

VARIANTS = {
    "selective_*": "A score over labelled units alone.",
    "*[group]": "A score over one group of units, such as seen and unseen names; `[reachable]`: "
    "those whose true name the concept set holds, where it does not hold all.",
}
"""Patterns of further score names, each with what it means."""


def split_group(name: str) -> tuple[str, str]:
    """Split `lexical_match[seen]` into the metric and the group ("" for none)."""
    if name.endswith("]") and "[" in name:
        base, _, group = name[:-1].partition("[")
        return base, group
    return name, ""


def metric_of(name: str) -> Metric:
    """Return the metric of a score name, its group in the title; unknown names get a plain one."""
    base, group = split_group(name)
    metric = METRICS.get(base)
    if metric is None:
        rank = "rank" in base and not base.startswith("mrr")
        metric = Metric(base.replace("_", " "), "", "rank" if rank else "fraction")
    return replace(metric, title=f"{metric.title}, {group} names") if group else metric
