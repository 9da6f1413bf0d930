"""Rows of methods on control networks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from leaderboards.board import Board, load_board
from leaderboards.pages.console import print_board
from leaderboards.pages.render import render_scores

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def board(tmp_path: Path, build: Any) -> Board:
    """Two methods, one of them also on random weights with two seeds and on a rotated basis."""
    for similarity, value in (("soft_wpmi", 0.8), ("wpmi", 0.6)):
        build.put(tmp_path, build.make_record(similarity), build.make_scores(value))
    base = build.make_record("wpmi").target
    for name, seed, value, p in (
        ("random_weights", 0, 0.02, 0.4),
        ("random_weights", 1, 0.0, 1.0),
        ("rotated", 0, 0.9, 0.0001),
    ):
        control = {"name": name, "seed": seed, "base": base["fingerprint"]}
        target = {**base, "fingerprint": {"kind": name, "seed": seed}, "control": control}
        record = replace(build.make_record("wpmi"), key=build.short(f"{name}{seed}"), target=target)
        scores = build.make_scores(value)
        scores["scores"]["lexical_match"]["p_shuffled"] = p
        build.put(tmp_path, record, scores)
    return load_board([tmp_path])


def test_they_stand_below_the_methods_of_their_network(board: Board) -> None:
    """One condition holds all; control networks come last and keep their names."""
    [table] = board.tables
    labels = [row.label for row in table.rows]
    assert labels[:2] == ["clip_dissect soft_wpmi", "clip_dissect wpmi"]
    assert labels[-3:] == [
        "clip_dissect wpmi, random weights 0",
        "clip_dissect wpmi, random weights 1",
        "clip_dissect wpmi, rotated basis 0",
    ]
    assert [row.label for row in table.methods] == labels[:2]


def test_they_are_never_ranked(board: Board) -> None:
    """The best value of a column is a rotated basis', and it neither wins nor is compared."""
    [table] = board.tables
    verdict = table.verdict("lexical_match")
    assert verdict.best == "clip_dissect soft_wpmi"
    assert verdict.pairs is not None
    assert verdict.pairs.labels == ("clip_dissect soft_wpmi", "clip_dissect wpmi")
    summary = board.summary.set_index(["metric", "row"]).loc["lexical_match"]
    rotated = summary.loc["clip_dissect wpmi, rotated basis 0"]
    assert (rotated["kind"], rotated["standing"]) == ("control", "")
    assert rotated["p_shuffled"] == 0.0001


def test_pages_show_them_with_their_p_values(board: Board) -> None:
    """Front page, page of details and tables of numbers have a row each."""
    files = render_scores(board)
    front = files["README.md"].decode()
    assert "*clip_dissect wpmi, random weights 0*" in front
    assert "p = 0.4 " in front
    assert "*Control networks*" in front
    assert "*clip_dissect wpmi, rotated basis 0*" in files["board.md"].decode()
    rows = board.results[board.results["row"] == "clip_dissect wpmi, random weights 1"]
    assert set(rows["kind"]) == {"control"}
    assert (rows["key"] != "").all()
    assert rows.set_index("metric")["p_shuffled"]["lexical_match"] == 1.0


def test_a_board_of_control_networks_alone_has_no_best(tmp_path: Path, build: Any) -> None:
    """Without a method nothing is ranked, and the page can still be made."""
    base = build.make_record("wpmi").target
    control = {"name": "rotated", "seed": 3, "base": base["fingerprint"]}
    record = replace(build.make_record("wpmi"), target={**base, "control": control})
    build.put(tmp_path, record, build.make_scores(0.5))
    board = load_board([tmp_path])
    [table] = board.tables
    assert [row.label for row in table.rows] == ["clip_dissect, rotated basis 3"]
    assert render_scores(board)
    console = Console(width=100, record=True)
    print_board(board, console)
    assert "only controls were described" in console.export_text()
