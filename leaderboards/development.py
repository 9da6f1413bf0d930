"""Rows scored on the units that nobody tuned on.

A method whose settings were tuned on development units (`tuned_on=dev`) is compared on the other
units only, and so are the methods in its column.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metrics.development import is_development_unit
from metrics.scores import Score
from metrics.units import COLUMNS

if TYPE_CHECKING:
    from leaderboards.record import Record
    from leaderboards.rows import Row

SPLIT = "outside dev"
"""Name of the units that are no development units, in headings and tables."""

_ALL_UNITS = f"scored over all units only, not over those {SPLIT}"


def describe_tuning(tuned_on: str) -> dict[str, str]:
    """Return what a record's `method` says of tuning: nothing for settings that were not tuned."""
    return {"tuned_on": tuned_on} if tuned_on else {}


def tuned_on(record: Record) -> str:
    """Return the units that a method's settings were tuned on: "dev", or "" for none."""
    return str(record.method.get("tuned_on", ""))


def score_outside_development(row: Row) -> Row:
    """Return a method's row with scores over the units that are not for development.

    Values and intervals are computed from the table of units, as scoring computes them. Scores that
    are no function of this table have no value.
    """
    from metrics.aggregate import aggregate_units  # SciPy, which commands such as plan never need

    units = row.units
    if units is None:
        return replace(row, scores=dict.fromkeys(row.scores, Score(None, reason=_ALL_UNITS)))
    layer = str(row.record.target["layer"])
    kept = units[[not is_development_unit(layer, int(unit)) for unit in units["unit"]]]
    assert row.score_set is not None
    complete = kept.reindex(columns=list(COLUMNS))  # older releases wrote fewer
    found = aggregate_units(
        complete.assign(dead=complete["dead"].astype(str) == "True"),
        seed=int(row.score_set.scoring.get("seed", 0)),
        circular=row.score_set.circular,
    )
    scores = {}
    for name, whole in row.scores.items():
        own = found.get(name, Score(None, reason=_ALL_UNITS))
        scores[name] = whole if whole.value is None else own
    return replace(row, scores=scores, units=kept)
