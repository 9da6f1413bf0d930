"""Labels judged by several models: what the judges are called, and which columns they part."""

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
NAMES = ["all-MiniLM-L6-v2", "all-mpnet-base-v2"]


def put(root: Path, build: Any, value: float, *, other_value: float) -> None:
    """A record that MiniLM judges, and mpnet after it."""
    scores = []
    for judge, right in ((MINILM, value), (MPNET, other_value)):
        content = build.make_scores(right)
        scoring = {**content["scoring"], "sentence": judge}
        skey = judge["weights"][:6]
        scores.append((content | {"skey": skey, "scoring": scoring}, build.make_units()))
    write_record(root, build.make_record(), descriptions=build.make_descriptions(), scores=scores)


def columns(root: Path) -> dict[str, list[str]]:
    """The judges in the headings of each table."""
    return {
        table.metric: [column.condition.judge for column in table.columns]
        for table in load_board([root]).summaries
    }


def test_cosines_have_a_column_for_each_judge(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, 0.5, other_value=0.5)
    board = load_board([tmp_path])
    assert sorted(table.condition.judge for table in board.tables) == NAMES
    found = columns(tmp_path)
    assert sorted(found["sentence_cosine"]) == NAMES
    assert found["lexical_match"] == found["accuracy_at_1"] == [""]
    [table] = [table for table in board.summaries if table.metric == "sentence_cosine"]
    assert table.columns[0].condition.heading[-1] == "judge all-MiniLM-L6-v2"


def test_scores_that_differ_are_both_shown(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, 0.5, other_value=0.25)
    assert sorted(columns(tmp_path)["lexical_match"]) == NAMES


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
