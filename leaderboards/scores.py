"""One scores file: a record's labels judged under one truth, one scorer, one set of rules."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from leaderboards.record import RecordError
from metrics.scores import Score

if TYPE_CHECKING:
    from pathlib import Path

SCORES_SCHEMA = 1
CONTROLS = ("oracle", "constant", "listed", "shuffled", "chance")
"""The controls in the order of a board's rows, from the ceiling down to the floor."""


@dataclass(frozen=True)
class ScoreSet:
    """The content of `scores/<skey>.json`.

    Attributes:
        skey: Short sha256 of the scoring.
        scoring: {"truth", "sentence", "rules"}: what the labels were judged by.
        circular: The sentence scorer and the labelling encoder share a text tower.
        scores: Score by name; `name[group]` for a part of the truth.
        controls: The same by control ("oracle", "constant", "shuffled", "chance", "listed").
    """

    skey: str
    scoring: Mapping[str, Any]
    circular: bool
    scores: Mapping[str, Score]
    controls: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)


def parse_scores(data: object, where: str) -> ScoreSet:
    """Check the JSON value of a scores file and return it typed.

    Args:
        data: The parsed JSON.
        where: File name for messages.

    Raises:
        RecordError: The value is not a scores file of this version.
    """
    if not isinstance(data, Mapping):
        raise RecordError(f"{where}: holds no JSON object")
    if data.get("schema") != SCORES_SCHEMA:
        raise RecordError(
            f"{where}: schema {data.get('schema')!r}; this version reads {SCORES_SCHEMA}"
        )
    skey, scoring, controls = data.get("skey"), data.get("scoring"), data.get("controls", {})
    if not isinstance(skey, str) or not isinstance(scoring, Mapping):
        raise RecordError(f"{where}: 'skey' or 'scoring' is missing")
    if not isinstance(controls, Mapping):
        raise RecordError(f"{where}: 'controls' is no JSON object")
    return ScoreSet(
        skey=skey,
        scoring=scoring,
        circular=bool(data.get("circular", False)),
        scores=_parse_all(data.get("scores"), f"{where}: scores"),
        controls={
            str(name): _parse_all(controls[name], f"{where}: controls: {name}")
            for name in sorted(controls)
        },
    )


def read_scores(path: Path) -> ScoreSet:
    """Read one scores file.

    Raises:
        RecordError: The file is missing, is no JSON, or is not a scores file of this version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecordError(f"{path}: no such file") from error
    except (ValueError, OSError) as error:
        raise RecordError(f"{path}: not readable as JSON ({error})") from error
    return parse_scores(data, str(path))


def _parse_all(data: object, where: str) -> dict[str, Score]:
    if not isinstance(data, Mapping):
        raise RecordError(f"{where}: is no JSON object")
    return {str(name): _parse_one(data[name], f"{where}: {name}") for name in sorted(data)}


def _parse_one(data: object, where: str) -> Score:
    if not isinstance(data, Mapping) or "value" not in data:
        raise RecordError(f"{where}: has no 'value'")
    direction = data.get("higher_is_better", True)
    return Score(
        value=_number(data, "value", where),
        ci_low=_number(data, "ci_low", where),
        ci_high=_number(data, "ci_high", where),
        n=_count(data, "n", where) or 0,
        n_unlabelled=_count(data, "n_unlabelled", where) or 0,
        chance=_number(data, "chance", where),
        ceiling=_number(data, "ceiling", where),
        higher_is_better=True if direction is None else bool(direction),
        reason=None if data.get("reason") is None else str(data["reason"]),
        circular=bool(data.get("circular", False)),
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
        raise RecordError(f"{where}: {name!r} is {value!r}, no number")
    # Python's JSON reads NaN and Infinity, and neither is a score.
    if not math.isfinite(value):
        raise RecordError(f"{where}: {name!r} is {value!r}; write null with a reason")
    return float(value)


def _count(data: Mapping[str, Any], name: str, where: str) -> int | None:
    value = _number(data, name, where)
    if value is not None and not value.is_integer():
        raise RecordError(f"{where}: {name!r} is {value!r}, no whole number")
    return None if value is None else int(value)
