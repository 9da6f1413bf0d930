"""The page of a record: what ran on what, its scores, its phases, and the command for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leaderboards.costs import as_number, run_command, run_cost
from leaderboards.judge_names import judge_name
from leaderboards.pages.numbers import show_bytes
from leaderboards.site.addresses import board_page, layer_page, record_page
from leaderboards.site.templating import render_page
from metrics.catalog import HEADLINES, metric_of, split_group

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.naming import NamedCell
    from leaderboards.scores import ScoreSet

_PARTS = (
    "method", "target", "probe", "concepts", "encoder", "segmenter", "captioner", "language_model",
    "generator",
)  # fmt: skip


def render_record(named: NamedCell, board: Board, *, has_units: bool) -> tuple[str, bytes]:
    """Return the address and the page of a record.

    Args:
        named: The record with its scores and timings.
        board: The board it is on.
        has_units: Whether there is a page of its layer's units.
    """
    record = named.cell.record
    parts = {name: flatten(getattr(record, name)) for name in _PARTS if getattr(record, name)}
    return record_page(record), render_page(
        "record.html",
        root="../",
        board=board,
        named=named,
        record=record,
        command=run_command(record),
        settings={**parts, "run": flatten({**record.run, "seed": record.seed})},
        environment=flatten(record.environment),
        counts=flatten(record.counts),
        tables=record.tables,
        score_sets=[(_scoring(scores), _scores(scores)) for scores in named.cell.scores],
        runs=[(_hardware(run), _phases(run)) for run in named.cell.timings],
        traceback=str((record.error or {}).get("traceback", "")).splitlines(),
        back=board_page(record.board),
        units=layer_page(named.condition) if has_units else "",
    )


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as texts by dotted name; lists stay one text each."""
    found: dict[str, str] = {}
    for key, one in value.items():
        name = f"{prefix}{key}"
        if isinstance(one, Mapping) and one:
            found |= flatten(one, f"{name}.")
        else:
            found[name] = one if isinstance(one, str) else json.dumps(one, default=str)
    return found


def _hardware(run: Mapping[str, Any]) -> str:
    cost = run_cost(run)
    times = "once" if cost["repeats"] == 1 else f"{cost['repeats']} times"
    return f"{cost['hardware']}, {cost['device']}, timed {times}"


def _phases(run: Mapping[str, Any]) -> list[tuple[str, float | None, str, str, str]]:
    """Return name, seconds, items, peak memory and origin of each phase; skip other entries."""
    phases = run.get("phases")
    found = [one for one in phases if isinstance(one, Mapping)] if isinstance(phases, list) else []
    return [
        (
            str(one.get("name", "?")),
            as_number(one.get("wall_s")),
            str(one.get("items") or "—"),
            show_bytes(as_number(one.get("peak_host_bytes"))),
            "yes" if one.get("cached") else "no",
        )
        for one in found
    ]


def _scoring(scores: ScoreSet) -> str:
    truth = scores.scoring.get("truth")
    name = truth.get("name") if isinstance(truth, Mapping) else truth
    sentence = scores.scoring.get("sentence")
    judge = judge_name(sentence) if isinstance(sentence, Mapping) else ""
    return f"truth {name or 'unknown'}" + (f", judge {judge}" if judge else "")


def _scores(scores: ScoreSet) -> list[dict[str, Any]]:
    """Return a row per score, headlines first, with the value of the oracle."""
    oracle = scores.controls.get("oracle", {})

    def order(name: str) -> tuple[int, str]:
        base = split_group(name)[0]
        return (HEADLINES.index(base) if base in HEADLINES else len(HEADLINES), name)

    return [
        {
            "name": name,
            "metric": metric_of(name),
            "score": scores.scores[name],
            "oracle": oracle[name].value if name in oracle else None,
        }
        for name in sorted(scores.scores, key=order)
    ]
