"""Scores files: a record's labels, scored by one truth, one set of judges and one label rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from leaderboards.record import RecordError, read_json_object
from metrics.scores import Score

if TYPE_CHECKING:
    from pathlib import Path

SCORES_SCHEMA = 1
CONTROLS = ("oracle", "constant", "listed", "shuffled", "chance")
"""The controls in the order of a board's rows, from ceiling to floor."""


@dataclass(frozen=True)
class ScoreSet:
    """The content of `scores/<skey>.json`.

    Attributes:
        skey: Short sha256 of the scoring.
        scoring: {"truth", "sentence", "rules"}: what the labels were scored by.
        circular: The judge and the labelling encoder share a text tower.
        scores: Score by name; `name[group]` for a part of the truth.
        controls: The same by control ("oracle", "constant", "shuffled", "chance", "listed").
        tables: sha256 by file of the table of units, and of the descriptions that were scored, both
            unpacked; empty in older files.
    """

    skey: str
    scoring: Mapping[str, Any]
    circular: bool
    scores: Mapping[str, Score]
    controls: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)


def parse_scores(data: object, where: str) -> ScoreSet:
    """Check the JSON value of a scores file, and return its content.

    Args:
        data: The parsed JSON.
        where: File name for messages.

    Raises:
        RecordError: The value is not that of a scores file.
    """
    if not isinstance(data, Mapping):
        raise RecordError(f"{where}: not a JSON object")
    skey, scoring, controls = data.get("skey"), data.get("scoring"), data.get("controls", {})
    if not isinstance(skey, str) or not isinstance(scoring, Mapping):
        raise RecordError(f"{where}: 'skey' or 'scoring' is missing")
    tables = data.get("tables", {})
    if not isinstance(controls, Mapping) or not isinstance(tables, Mapping):
        raise RecordError(f"{where}: 'controls' or 'tables' not a JSON object")
    return ScoreSet(
        skey=skey,
        scoring=scoring,
        circular=bool(data.get("circular", False)),
        scores=parse_each(data.get("scores"), f"{where}: scores"),
        controls={
            str(name): parse_each(controls[name], f"{where}: controls: {name}")
            for name in sorted(controls)
        },
        tables=tables,
    )


def read_scores(path: Path) -> ScoreSet:
    """Read one scores file.

    Raises:
        RecordError: As for `read_json_object`; or it is not a scores file.
    """
    return parse_scores(read_json_object(path, SCORES_SCHEMA), str(path))


def parse_each(data: object, where: str) -> dict[str, Score]:
    """Check the JSON value of several scores by name, and return them.

    Raises:
        RecordError: It is another value.
    """
    if not isinstance(data, Mapping):
        raise RecordError(f"{where}: not a JSON object")
    return {str(name): _parse_one(data[name], f"{where}: {name}") for name in sorted(data)}


def _parse_one(data: object, where: str) -> Score:
    if not isinstance(data, Mapping) or "value" not in data:
        raise RecordError(f"{where}: has no 'value'")
    direction = data.get("higher_is_better", True)
    return Score(
        value=_number(data, "value", where),
        ci_low=_number(data, "ci_low", where),
        ci_high=_number(data, "ci_high", where),
        chance=_number(data, "chance", where),
        ceiling=_number(data, "ceiling", where),
        n=_count(data, "n", where),
        n_unlabelled=_count(data, "n_unlabelled", where),
        higher_is_better=direction is None or bool(direction),
        reason=None if data.get("reason") is None else str(data["reason"]),
        circular=bool(data.get("circular", False)),
        p_shuffled=_number(data, "p_shuffled", where),
        detail=_detail(data.get("detail")),
    )


def _detail(detail: object) -> Mapping[str, Any]:
    if detail is None:
        return {}
    return detail if isinstance(detail, Mapping) else {"detail": detail}


def concept_of(score: Score) -> str:
    """Return the concept that a control names in its score's details; else all of its details."""
    for name in ("word", "label", "concept", "detail"):
        if isinstance(score.detail.get(name), str):
            return str(score.detail[name])
    return ", ".join(f"{name}={score.detail[name]}" for name in sorted(score.detail))


def _number(data: Mapping[str, Any], name: str, where: str) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecordError(f"{where}: {name!r} is {value!r}, not a number")
    # Python's JSON reads NaN and Infinity, but neither is a score.
    if not math.isfinite(value):
        raise RecordError(f"{where}: {name!r} is {value!r}; write null with a reason")
    return float(value)


def _count(data: Mapping[str, Any], name: str, where: str) -> int:
    value = _number(data, name, where) or 0.0
    if not value.is_integer():
        raise RecordError(f"{where}: {name!r} is {value!r}, not a whole number")
    return int(value)
