"""The board as data frames in long format: every number unrounded."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd

from leaderboards.draws import DRAW_COLUMNS, draw_spread, spread_rows
from leaderboards.scores import concept_of
from metrics.catalog import HEADLINES, split_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.conditions import Condition
    from leaderboards.rows import Row
    from leaderboards.summary import Summary
    from leaderboards.tables import ConditionTable
    from metrics.scores import Score

_WHERE = ("board", "target", "layer", "probe", "concepts")
_SIZES = ("n_images", "n_concepts")
_FLOATS = (
    "value", "ci_low", "ci_high", "chance", "verified", "scaled", "scaled_low", "scaled_high",
    "floor", "ceiling", "limit",
    "to_best", "to_best_low", "to_best_high", "smallest", "p_shuffled", *DRAW_COLUMNS[1:],
)  # fmt: skip
_INTS = (
    "n", "n_unlabelled", "units", "dead", *_SIZES, "rank_low", "rank_high", "separated", "pairs",
    "draws",
)  # fmt: skip
RESULTS = (
    *_WHERE, "scoring", "condition", "row", "kind", "key", "metric", "value", "ci_low", "ci_high",
    "n", "n_unlabelled", "chance", "ceiling", "higher_is_better", "circular", "reason", "detail",
    "given", "vocabulary", "origin", "verified", "units", "dead", "n_images", "n_concepts", "split",
    "scaled", "scaled_low", "scaled_high", "floor", "not_scaled", "p_shuffled", *DRAW_COLUMNS,
)  # fmt: skip
SUMMARY = (
    *_WHERE, "scoring", "condition", "metric", "row", "kind", "value", "ci_low", "ci_high", "n",
    "reason", "circular", "saturated", "limit", "standing", "letters", "rank_low", "rank_high",
    "to_best", "to_best_low", "to_best_high", "separated", "pairs", "smallest", "split", "scaled",
    "scaled_low", "scaled_high", "floor", "ceiling", "not_scaled", "p_shuffled", *DRAW_COLUMNS,
)  # fmt: skip
UNITS = (
    *_WHERE, "scoring", "condition", "row", "key", "unit", "truth", "label", "score", "truth_rank",
    "truth_score",
)  # fmt: skip


def results_frame(tables: Sequence[ConditionTable]) -> pd.DataFrame:
    """Return one row per condition, row and metric, with the shuffled control of every method.

    Further draws of a probe set follow the first one, whose rows have the spread over all draws.
    """
    rows: list[dict[str, Any]] = []
    for table in tables:
        for number, one in enumerate((table, *table.draws)):
            rows += _results(one, () if number else table.draws)
    return _frame(rows, RESULTS)


def _named_rows(table: ConditionTable) -> dict[str, Row]:
    named = {row.label: row for row in table.rows if row.label != "shuffled"}
    return named | {f"shuffled: {name}": row for name, row in sorted(table.shuffled.items())}


def _results(table: ConditionTable, draws: Sequence[ConditionTable]) -> list[dict[str, Any]]:
    """Return the results of one condition, with their spread over further draws."""
    others = [_named_rows(one) for one in draws]
    return [
        {
            **_where(table.condition),
            **_result(label, row, name, row.scores[name]),
            **_scaled(table, row, name),
            **draw_spread(
                [row.value(name), *(own[label].value(name) for own in others if label in own)]
            ),
        }
        for label, row in _named_rows(table).items()
        for name in sorted(row.scores)
    ]


def _where(condition: Condition) -> dict[str, Any]:
    return {
        **{name: getattr(condition, name) for name in _WHERE},
        "scoring": condition.skey,
        "condition": condition.id,
        "n_images": condition.n_images,
        "n_concepts": condition.n_concepts,
        "split": condition.split,
    }


def _result(label: str, row: Row, metric: str, score: Score) -> dict[str, Any]:
    counts = row.record.counts
    return {
        **({"scoring": row.score_set.skey} if row.score_set else {}),
        "row": label,
        "kind": "method" if row.is_method else "control",
        "key": row.record.key if row.cell or row.label == "shuffled" else "",
        "metric": metric,
        **vars(score),
        "reason": score.reason or "",
        "detail": concept_of(score),
        "given": row.given,
        "vocabulary": row.vocabulary,
        "origin": row.origin,
        "verified": row.verified if row.is_method else None,
        "units": counts.get("units"),
        "dead": counts.get("dead"),
    }


def _scaled(table: ConditionTable, row: Row, metric: str) -> dict[str, Any]:
    """Return a headline score on the scale from floor to ceiling, or why it has no place there."""
    if split_group(metric)[0] not in HEADLINES:
        return {}
    found = table.scaled(row, metric)
    return {
        "scaled": found.value,
        "scaled_low": found.low,
        "scaled_high": found.high,
        "floor": found.floor,
        "ceiling": found.ceiling,
        "not_scaled": found.reason,
    }


def units_frame(tables: Sequence[ConditionTable]) -> pd.DataFrame:
    """Return one row per condition, method and unit: its label and what each metric gives it.

    Returns:
        Columns `UNITS`, and one per metric: NaN where the unit has no value, "" where it has no
        true name, group or label. Empty where the cells were read without tables of units.
    """
    parts = []
    for table in chain.from_iterable((table, *table.draws) for table in tables):
        for row in table.methods:
            assert row.cell is not None
            assert row.score_set is not None
            skey = row.score_set.skey
            if (units := row.cell.units.get(skey)) is not None:
                own = {"scoring": skey, "row": row.label, "key": row.record.key}
                parts.append(units.assign(**{**_where(table.condition), **own}))
    if not parts:
        return pd.DataFrame(columns=pd.Index(UNITS))
    found = pd.concat(parts, ignore_index=True)
    if "dead" in found:
        found["dead"] = found["dead"] == "True"
    for name in {"group", "reach"} & set(found):  # columns without a text read as missing numbers
        found[name] = found[name].astype(object).where(found[name].notna(), "")
    return found[[*UNITS, *found.columns.difference([*UNITS, *_SIZES, "split"], sort=False)]]


def summary_frame(summaries: Sequence[Summary]) -> pd.DataFrame:
    """Return one row per headline metric, condition and row, with the column's verdict.

    `standing` is best, tied (not significantly worse), below, or empty: for controls, and for every
    row of a saturated column. Methods that share a letter do not differ significantly; ranks are
    the best and the worst that the comparisons leave open; `to_best` is the difference to the best.
    """
    rows: list[dict[str, Any]] = []
    for summary in summaries:
        for column in summary.columns:
            verdict = column.verdict
            own = {row.label: row for row in reversed(column.table.rows)}  # a method first
            spreads = spread_rows(column.table, summary.metric)
            for label in summary.rows:
                estimate = column.estimates.get(label)
                if estimate is None:
                    continue
                rows.append(
                    {
                        **_where(column.condition),
                        "metric": summary.metric,
                        "row": label,
                        "kind": "method" if estimate.is_method else "control",
                        "value": estimate.value,
                        "ci_low": estimate.low,
                        "ci_high": estimate.high,
                        "n": estimate.n,
                        "reason": estimate.reason,
                        "p_shuffled": estimate.p_shuffled,
                        "circular": column.circular,
                        "saturated": verdict.saturated,
                        "limit": verdict.limit,
                        "standing": verdict.standing(label) if estimate.is_method else "",
                        **(verdict.comparisons(label) if estimate.is_method else {}),
                        **_scaled(column.table, own[label], summary.metric),
                        **spreads.get(label, {}),
                    }
                )
    return _frame(rows, SUMMARY)


def _frame(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=pd.Index(columns))
    types = {name: "float64" for name in _FLOATS if name in columns}
    types |= {name: "Int64" for name in _INTS if name in columns}
    return table.astype(types)
