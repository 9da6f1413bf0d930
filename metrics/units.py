"""The table of units: one row per unit of the layer, the basis of every aggregate.

Columns: unit, truth, group, label, score, truth_rank, truth_score, dead, then one column per
metric. "" stands for no truth, no group and no label; NaN for no value. Floats are written with
all their digits, so that a table read back gives the same aggregates to the last bit.
"""

from __future__ import annotations

TEXT_COLUMNS = ("truth", "group", "label")
METRIC_COLUMNS = (
    "accuracy_at_1",
    "accuracy_at_5",
    "reciprocal_rank",
    "sentence_cosine",
    "sentence_cosine_best_synonym",
    "clip_cosine",
    "clip_cosine_best_synonym",
    "lexical_match",
    "nearest_name",
)
COLUMNS = (
    "unit",
    *TEXT_COLUMNS,
    "score",
    "truth_rank",
    "truth_score",
    "dead",
    *METRIC_COLUMNS,
)
