"""Scores of decisions on a board: shown where some record has them, and nowhere else."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from leaderboards.board import Board, load_board
from leaderboards.files import gunzip_bytes
from leaderboards.pages.console import print_board
from leaderboards.pages.render import check_board, render_scores, write_board
from leaderboards.storage import add_scores

if TYPE_CHECKING:
    from pathlib import Path

NONE = {"value": None, "reason": "no unit has a true name"}
SCORED = {"classifier": "fc", "clip_weight": 3.0}


def hidden_scores(build: Any, value: float, **more: Any) -> dict[str, Any]:
    """Of a layer whose units have no true names."""
    made: dict[str, Any] = build.make_scores(value)
    decisions = {
        "decision_truth": build.share(value, n=5000, chance=0.001, **more),
        "decision_prediction": build.share(value + 0.02, n=5000, chance=0.001, **more),
    }
    chance = {name: build.share(0.001, width=0.0) for name in decisions}
    return made | {
        "skey": "dec1",
        "circular": False,
        "scoring": made["scoring"] | {"decisions": SCORED},
        "scores": dict.fromkeys(made["scores"], NONE) | decisions,
        "controls": {"chance": chance},
    }


@pytest.fixture
def board(tmp_path: Path, build: Any) -> Board:
    build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    for similarity, value in (("soft_wpmi", 0.10), ("wpmi", 0.03)):
        record = build.make_record(similarity, layer="layer4")
        build.put(tmp_path, record, hidden_scores(build, value))
    return load_board([tmp_path])


def printed(board: Board) -> str:
    stream = io.StringIO()
    print_board(board, Console(file=stream, width=160))
    return stream.getvalue()


def test_a_layer_without_true_names_is_headed_by_its_decisions(board: Board) -> None:
    own = [s for s in board.summaries if s.place[2] == "layer4"]
    assert [s.metric for s in own] == ["decision_truth", "decision_prediction"]
    [column] = own[0].columns
    assert own[0].methods == ("clip_dissect soft_wpmi", "clip_dissect wpmi")
    assert column.verdict.best == "clip_dissect soft_wpmi"
    assert column.estimates["chance"].value == 0.001
    assert not any("decision" in s.metric for s in board.summaries if s.place[2] == "fc")


def test_all_pages_show_them(board: Board, tmp_path: Path) -> None:
    files = render_scores(board)
    front, details = files["README.md"].decode(), files["board.md"].decode()
    for page in (front, details, printed(board)):
        for title in ("true class", "predicted class"):
            assert f"decisions: {title}" in page
        assert "0.100" in page
        assert "0.120" in page
    assert "interval over units; of decisions over images" in printed(board)
    assert "n = 5000" in front
    assert "interval is over images" in front.replace("\n", " ")
    assert "decision_truth" in gunzip_bytes(files["results.csv.gz"]).decode()
    write_board(board, tmp_path / "out")
    assert check_board(board, tmp_path / "out") == []


def test_boards_without_them_say_nothing_of_them(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    found = load_board([tmp_path])
    assert "decision" not in printed(found)
    for name, packed in render_scores(found).items():
        content = gunzip_bytes(packed)
        if name.endswith((".md", ".csv", ".csv.gz")):
            assert b"decisions:" not in content
            assert b"decision_" not in content


def test_labels_without_any_true_name_are_not_taken_for_missing(tmp_path: Path, build: Any) -> None:
    scores = build.make_scores(0.5)
    build.put(
        tmp_path, build.make_record(), scores | {"scores": dict.fromkeys(scores["scores"], NONE)}
    )
    shown = printed(load_board([tmp_path]))
    assert "no true name" in shown
    assert "No scored record" not in shown


def test_circular_decisions_are_marked(tmp_path: Path, build: Any) -> None:
    record = build.make_record(layer="layer4")
    build.put(tmp_path, record, hidden_scores(build, 0.1, circular=True))
    files = render_scores(load_board([tmp_path]))
    assert "### decisions: true class°" in files["README.md"].decode()
    assert "which class a label is nearest to shares" in files["README.md"].decode()
    assert "decisions: true class°" in files["board.md"].decode()


def test_the_same_labels_with_and_without_are_two_columns(tmp_path: Path, build: Any) -> None:
    record = build.make_record(layer="layer4")
    folder = build.put(tmp_path, record, hidden_scores(build, 0.1))
    add_scores(folder, build.make_scores(0.5), build.make_units())
    found = load_board([tmp_path])
    scorings = {table.condition.scoring for table in found.tables}
    assert len(scorings) == 2
    assert any("fc" in scoring for scoring in scorings)
