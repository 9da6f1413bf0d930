"""Columns of the table of units, which has one row per unit of a layer.

In text columns "" stands for no value, elsewhere NaN does. Files keep all digits of floats, so
that a table gives the same scores, to the last bit, after it is read back.
"""

from __future__ import annotations

TEXT_COLUMNS = ("truth", "group", "label", "reach")
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
