"""Scores of labels that releases read differently: which count, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboards.board import load_board
from leaderboards.judge_names import judge_name
from leaderboards.storage import write_record

if TYPE_CHECKING:
    from pathlib import Path

MINILM = {"weights": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"}
MPNET = {"weights": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"}


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
    [sheet] = load_board([tmp_path]).sheets
    assert sorted(row.judged.skey for row in sheet.methods) == ["both1", "other0"]
    assert sheet.notes == ()


def test_an_older_reading_beside_a_later_one_is_said(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, "old", {})
    put(tmp_path, build, "new", NEW)
    board = load_board([tmp_path])
    [sheet] = board.sheets
    [note] = sheet.notes
    assert note.startswith("clip_dissect old was scored by an older release")
    keys = board.results[board.results["kind"] == "method"].groupby("row")["scoring"].unique()
    assert {row: list(found) for row, found in keys.items()} == {
        "clip_dissect new": ["new0"], "clip_dissect old": ["old0"],
    }  # fmt: skip


def test_columns_of_two_judges_bear_their_names(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, "a", {"sentence": MINILM}, {"sentence": MPNET})
    headings = [sheet.condition.scoring for sheet in load_board([tmp_path]).sheets]
    assert sorted(headings) == [
        "scoring objects all-MiniLM-L6-v2", "scoring objects all-mpnet-base-v2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        (MPNET["weights"], "all-mpnet-base-v2"),
        ("hub:sentence-transformers/all-mpnet-base-v2", "all-mpnet-base-v2"),
        ("hub:all-mpnet-base-v2", "all-mpnet-base-v2"),
        ("hub:me/all-mpnet-base-v2", "me/all-mpnet-base-v2"),
        ("0123456789abcdef", "01234567"),
        (None, ""),
    ],
)
def test_a_judge_has_one_name(weights, name):
    assert judge_name({"weights": weights} if weights else {}) == name
