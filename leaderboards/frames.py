"""The board as long tables for other programs: every number unrounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from leaderboards.scores import named_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.cells import Cell
    from leaderboards.sheets import Row, Sheet
    from leaderboards.summary import Summary
    from metrics.scores import Score

_WHERE = ("board", "target", "layer", "probe", "concepts")
_FLOATS = ("value", "ci_low", "ci_high", "chance", "ceiling", "limit")
_INTS = (
    "n", "n_unlabelled", "units", "dead", "n_images", "n_concepts",
    "disjoint_rows", "disjoint_methods",
)  # fmt: skip
RESULTS = (
    *_WHERE, "scoring", "condition", "row", "kind", "key", "metric", "value", "ci_low", "ci_high",
    "n", "n_unlabelled", "chance", "ceiling", "higher_is_better", "circular", "reason", "detail",
    "given", "vocabulary", "origin", "units", "dead", "n_images", "n_concepts",
)  # fmt: skip
SUMMARY = (
    *_WHERE, "scoring", "condition", "metric", "row", "kind", "value", "ci_low", "ci_high", "n",
    "reason", "circular", "saturated", "limit", "standing", "disjoint_rows", "disjoint_methods",
)  # fmt: skip
UNITS = (
    *_WHERE, "scoring", "condition", "row", "key", "unit", "truth", "label", "score", "truth_rank",
    "truth_score",
)  # fmt: skip


def results_frame(sheets: Sequence[Sheet]) -> pd.DataFrame:
    """One row per condition, row and metric; the shuffled control of every method among them."""
    rows: list[dict[str, Any]] = []
    for sheet in sheets:
        named = [(row.label, row) for row in sheet.rows if row.label != "shuffled"]
        named += [(f"shuffled: {label}", sheet.shuffled[label]) for label in sorted(sheet.shuffled)]
        for label, row in named:
            rows += [
                _where(sheet) | _result(label, row, name, row.scores[name])
                for name in sorted(row.scores)
            ]
    return _frame(rows, RESULTS)


def _where(sheet: Sheet) -> dict[str, Any]:
    condition = sheet.condition
    return {
        **{name: getattr(condition, name) for name in _WHERE},
        "scoring": condition.skey,
        "condition": condition.id,
        "n_images": condition.n_images,
        "n_concepts": condition.n_concepts,
    }


def _result(label: str, row: Row, metric: str, score: Score) -> dict[str, Any]:
    counts = row.record.counts
    return {
        **({"scoring": row.judged.skey} if row.judged else {}),
        "row": label,
        "kind": "method" if row.is_method else "control",
        "key": row.record.key if row.is_method or row.label == "shuffled" else "",
        "metric": metric,
        "value": score.value,
        "ci_low": score.ci_low,
        "ci_high": score.ci_high,
        "n": score.n,
        "n_unlabelled": score.n_unlabelled,
        "chance": score.chance,
        "ceiling": score.ceiling,
        "higher_is_better": score.higher_is_better,
        "circular": score.circular,
        "reason": score.reason or "",
        "detail": named_word(score),
        "given": row.given,
        "vocabulary": row.vocabulary,
        "origin": row.origin,
        "units": counts.get("units"),
        "dead": counts.get("dead"),
    }


def units_frame(sheets: Sequence[Sheet], cells: Sequence[Cell]) -> pd.DataFrame:
    """One row per condition, method and unit: its label and what each metric gives it.

    Args:
        sheets: The tables of all conditions.
        cells: The cells behind them; those without tables of units give no row.

    Returns:
        Columns `UNITS`, and one per metric: NaN where the unit has no value, "" where it has no
        true name, group or label.
    """
    tables = {(cell.record.board, cell.record.key): cell.units for cell in cells}
    parts = []
    for sheet in sheets:
        for row in sheet.methods:
            assert row.judged is not None
            table = tables[row.record.board, row.record.key].get(row.judged.skey)
            if table is not None:
                shared = {name: value for name, value in _where(sheet).items() if name in UNITS}
                shared |= {"scoring": row.judged.skey, "row": row.label, "key": row.record.key}
                parts.append(table.assign(**shared))
    if not parts:
        return pd.DataFrame(columns=pd.Index(UNITS))
    units = pd.concat(parts, ignore_index=True)
    if "dead" in units:
        units["dead"] = units["dead"] == "True"
    if "group" in units:  # a table without a single group reads as one of missing numbers
        units["group"] = units["group"].fillna("").astype("str")
    return units[[*UNITS, *units.columns.difference(list(UNITS), sort=False)]]


def summary_frame(summaries: Sequence[Summary]) -> pd.DataFrame:
    """One row per headline metric, condition and row, with what the intervals support.

    `standing` is best, tied (its interval overlaps the best's), below, or empty: for controls, and
    for every row of a saturated column.
    """
    rows: list[dict[str, Any]] = []
    for summary in summaries:
        for column in summary.columns:
            condition, verdict = column.condition, column.verdict
            for label in summary.rows:
                entry = column.entries.get(label)
                if entry is None:
                    continue
                standing = (
                    "best" if label == verdict.best and entry.is_method
                    else "tied" if label in verdict.tied
                    else "below" if label in verdict.below
                    else ""
                )  # fmt: skip
                rows.append(
                    {
                        **{name: getattr(condition, name) for name in _WHERE},
                        "scoring": condition.skey,
                        "condition": condition.id,
                        "metric": summary.metric,
                        "row": label,
                        "kind": "method" if entry.is_method else "control",
                        "value": entry.value,
                        "ci_low": entry.low,
                        "ci_high": entry.high,
                        "n": entry.n,
                        "reason": entry.reason,
                        "circular": column.circular,
                        "saturated": verdict.saturated,
                        "limit": verdict.limit,
                        "standing": standing,
                        "disjoint_rows": verdict.disjoint_rows,
                        "disjoint_methods": verdict.disjoint_methods,
                    }
                )
    return _frame(rows, SUMMARY)


def _frame(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=pd.Index(columns))
    types = {name: "float64" for name in _FLOATS if name in columns}
    types |= {name: "Int64" for name in _INTS if name in columns}
    return table.astype(types)
