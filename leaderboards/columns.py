"""The metrics as a reader sees them: titles, meanings, and how a number is rounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["share", "rank", "count"]
NORMALISED = "sentence_cosine (normalised)"
DECISIONS = ("decision_truth", "decision_prediction")
HEADLINES = ("lexical_match", "accuracy_at_1", "sentence_cosine", NORMALISED, *DECISIONS)
"""The summary tables, in order; methods are sorted by the first of them that has values."""


@dataclass(frozen=True)
class Metric:
    """How one score is shown.

    Attributes:
        title: Column title.
        kind: Decides the rounding.
        meaning: One sentence for the legend.
        ranks: Whether more of it is better or worse; the others only describe a labelling.
        judged: Whether it depends on the models that judge.
    """

    title: str
    kind: Kind
    meaning: str
    ranks: bool = True
    judged: bool = False


METRICS = {
    "lexical_match": Metric(
        "lexical match",
        "share",
        "1 for the true name, an inflection or a listed synonym, 0.5 for a listed broader name, "
        "else 0; no model judges.",
    ),
    "accuracy_at_1": Metric(
        "accuracy@1", "share", "Share of units whose label is the true name or a synonym."
    ),
    "accuracy_at_5": Metric(
        "accuracy@5", "share", "Share of units with the true name among the five best labels."
    ),
    "mean_rank": Metric(
        "mean rank", "rank", "Mean rank of the true name among all concepts; lower is better."
    ),
    "median_rank": Metric("median rank", "rank", "Median of the same."),
    "mrr": Metric("MRR", "share", "Mean of 1 / rank of the true name."),
    "auroc": Metric(
        "AUROC", "share", "How well the method's own score tells its right labels from wrong ones."
    ),
    "sentence_cosine": Metric(
        "sentence cosine",
        "share",
        "Cosine of label and full true name in the sentence encoder.",
        judged=True,
    ),
    "sentence_cosine_best_synonym": Metric(
        "sentence cosine, best synonym",
        "share",
        "The same, against the nearest synonym.",
        judged=True,
    ),
    NORMALISED: Metric(
        "sentence cosine, normalised",
        "share",
        "(score - constant) / (oracle - constant): 0 is the best single word for all units, 1 the "
        "best that the concept set allows. The interval is scaled alike, with both ends of the "
        "scale taken as given.",
        judged=True,
    ),
    "clip_cosine": Metric(
        "CLIP cosine",
        "share",
        "Cosine of label and full true name in CLIP's text tower.",
        judged=True,
    ),
    "clip_cosine_best_synonym": Metric(
        "CLIP cosine, best synonym", "share", "The same, against the nearest synonym.", judged=True
    ),
    "nearest_name": Metric(
        "nearest true name",
        "share",
        "Share of units whose label is nearer, in the sentence encoder, to their own true name or "
        "a synonym than to any other true name of the layer.",
        judged=True,
    ),
    "bleu": Metric(
        "BLEU",
        "share",
        "Corpus BLEU against the references (13a tokens, lower case), from 0 to 1.",
    ),
    "bertscore_f1": Metric(
        "BERTScore F1",
        "share",
        "Rescaled, so that unrelated sentences score 0; the best of a unit's references.",
        judged=True,
    ),
    "decision_truth": Metric(
        "decisions: true class",
        "share",
        "Share of images for which the label of the unit that contributed most to the network's "
        "decision is nearer to the name of the image's class than to that of any other. The "
        "interval is over images.",
        judged=True,
    ),
    "decision_prediction": Metric(
        "decisions: predicted class",
        "share",
        "The same, for the class that the network predicted.",
        judged=True,
    ),
    "distinct_labels": Metric(
        "distinct labels", "count", "Number of different labels given.", ranks=False
    ),
    "top_label_share": Metric(
        "top label's share",
        "share",
        "Share of the units that got the most frequent label.",
        ranks=False,
    ),
    "coverage": Metric("coverage", "share", "Share of live units that got a label.", ranks=False),
}


def split_group(name: str) -> tuple[str, str]:
    """Split `lexical_match[seen]` into the metric and the group ("" for none)."""
    if name.endswith("]") and "[" in name:
        base, _, group = name[:-1].partition("[")
        return base, group
    return name, ""


def describe(name: str) -> Metric:
    """How a score is shown; an unknown one under its own name."""
    base, group = split_group(name)
    metric = METRICS.get(base)
    if metric is None:
        kind: Kind = "rank" if "rank" in base and not base.startswith("mrr") else "share"
        metric = Metric(base.replace("_", " "), kind, "")
    if not group:
        return metric
    return replace(metric, title=f"{metric.title}, {group} names")


def show(value: float | None, kind: Kind, digits: int = 3) -> str:
    """Round a number for a reader; "—" for none.

    A share that is not 0 or 1 is never shown as one of them: whether a column is saturated must
    not depend on the rounding.
    """
    if value is None:
        return "—"
    if kind == "count":
        return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
    if kind == "rank":
        return f"{value:.1f}"
    text = f"{value:.{digits}f}"
    unit = 10.0**-digits
    if abs(value) > 0 and float(text) == 0:
        return f"<{unit:.{digits}f}" if value > 0 else f"-<{unit:.{digits}f}"
    if value < 1 and float(text) == 1:
        return f">{1 - unit:.{digits}f}"
    return text


def show_interval(low: float | None, high: float | None, kind: Kind) -> str:
    """`[low, high]` with two digits for shares; empty where there is no interval."""
    if low is None or high is None:
        return ""
    ends = [f"{end:.2f}" if kind == "share" else show(end, kind) for end in (low, high)]
    return f"[{ends[0]}, {ends[1]}]"
