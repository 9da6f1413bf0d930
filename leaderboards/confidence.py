"""Whether a method's own scores tell its right labels from wrong ones, computed from unit tables.

Records of older releases need not be scored again for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.confidence import FIFTHS, Confidence, confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leaderboards.rows import Row
    from leaderboards.tables import ConditionTable

_WHERE = ("board", "target", "layer", "probe", "concepts")
_VALUES = (
    "right", "auroc", "auroc_low", "auroc_high", "aurc", "aurc_optimum", "aurc_chance",
    "excess_aurc", "excess_aurc_low", "excess_aurc_high", "brier_skill", "brier_skill_low",
    "brier_skill_high", *(f"right_fifth_{number}" for number in range(1, FIFTHS + 1)),
)  # fmt: skip
COLUMNS = (*_WHERE, "scoring", "condition", "method", "key", "n", "n_left_out", *_VALUES)
_DIGITS = 9
"""Of all values, so that files do not depend on a processor's last bits."""


def confidence_frame(tables: Iterable[ConditionTable]) -> pd.DataFrame:
    """Return one row per condition and method; conditions that only judges tell apart count once.

    Args:
        tables: Tables of all conditions.

    Returns:
        Columns `COLUMNS`: `n` units with a true name and a scored label, and what
        `metrics.confidence.Confidence` says of them; missing where a value is undefined.
    """
    rows = [row for table, method in _once(tables) for row in _row(table, method)]
    found = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    return found.astype({"n": "Int64", "n_left_out": "Int64", **dict.fromkeys(_VALUES, float)})


def _once(tables: Iterable[ConditionTable]) -> Iterator[tuple[ConditionTable, Row]]:
    seen = set()
    for table in tables:
        for row in table.methods:
            identity = (table.condition.without_judge, row.label, row.record.key)
            if identity not in seen:
                seen.add(identity)
                yield table, row


def _row(table: ConditionTable, method: Row) -> Iterator[dict[str, Any]]:
    """Yield the row of a method; nothing where no unit has a true name and a scored label."""
    assert method.cell is not None
    assert method.score_set is not None
    units = method.cell.units.get(method.score_set.skey)
    if units is None or not {"score", "accuracy_at_1", "dead"} <= set(units.columns):
        return
    named = (units["truth"] != "") & (units["dead"].astype(str) != "True")
    usable = units[
        named
        & (units["label"] != "")
        & np.isfinite(units["score"].astype(float))
        & units["accuracy_at_1"].notna()
    ]
    if not len(usable):
        return
    own = confidence(usable["unit"], usable["score"], usable["accuracy_at_1"] == 1)
    area = method.scores.get("auroc")
    condition = table.condition
    yield {
        **{name: getattr(condition, name) for name in _WHERE},
        "scoring": method.score_set.skey,
        "condition": condition.id,
        "method": method.label,
        "key": method.record.key,
        "n": own.n,
        "n_left_out": int(named.sum()) - own.n,
        **_rounded(
            {
                "right": own.right,
                "auroc": area.value if area else None,
                "auroc_low": area.ci_low if area else None,
                "auroc_high": area.ci_high if area else None,
                **_values(own),
            }
        ),
    }


def _values(own: Confidence) -> dict[str, float | None]:
    fifths = {f"right_fifth_{place}": share for place, share in enumerate(own.fifths, start=1)}
    excess_low, excess_high = own.excess_interval
    brier_low, brier_high = own.brier_interval
    return {
        "aurc": own.aurc,
        "aurc_optimum": own.optimum,
        "aurc_chance": 1 - own.right,
        "excess_aurc": own.excess if 0 < own.right < 1 else None,
        "excess_aurc_low": excess_low,
        "excess_aurc_high": excess_high,
        "brier_skill": own.brier_skill,
        "brier_skill_low": brier_low,
        "brier_skill_high": brier_high,
        **fifths,
    }


def _rounded(values: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if v is None else round(v, _DIGITS) for name, v in values.items()}
