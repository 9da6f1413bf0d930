"""Scores of labels that releases read differently: which count, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboards.board import load_board
from leaderboards.storage import write_record

if TYPE_CHECKING:
    from pathlib import Path


def put(root: Path, build: Any, name: str, *scorings: dict[str, Any]) -> None:
    record = build.make_record(name)
    scores = []
    for number, more in enumerate(scorings):
        content = build.make_scores(0.5)
        scoring = {**content["scoring"], **more}
        scores.append(
            (content | {"skey": f"{name}{number}", "scoring": scoring}, build.make_units())
        )
    write_record(root, record, descriptions=build.make_descriptions(), scores=scores)


NEW = {"reading": {"sentences": 2}}


def test_a_later_reading_takes_the_place_of_an_older_one(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, "both", {}, NEW)
    put(tmp_path, build, "other", NEW)
    [table] = load_board([tmp_path]).tables
    assert sorted(row.score_set.skey for row in table.methods) == ["both1", "other0"]
    assert table.notes == ()


def test_an_older_reading_beside_a_later_one_is_said(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, "old", {})
    put(tmp_path, build, "new", NEW)
    board = load_board([tmp_path])
    [table] = board.tables
    [note] = table.notes
    assert note.startswith("clip_dissect old was scored by an older release")
    keys = board.results[board.results["kind"] == "method"].groupby("row")["scoring"].unique()
    assert {row: list(found) for row, found in keys.items()} == {
        "clip_dissect new": ["new0"], "clip_dissect old": ["old0"],
    }  # fmt: skip
