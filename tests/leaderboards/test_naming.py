"""Every page of a board calls a cell by the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboards.board import Board, load_board
from leaderboards.pages.render import render_costs, render_scores
from leaderboards.storage import write_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DETECTORS = {"units": 56, "dead": 0, "detectors": 9, "unique_detectors": 5, "detectors_object": 4}
ERROR = {"type": "ValueError", "message": "too few images"}


def method(**params: Any) -> Mapping[str, Any]:
    return {
        "name": "clip_dissect", "version": 1, "source": "paper", "given": "none",
        "vocabulary": "concept set", "params": {"similarity": "soft_wpmi", **params},
    }  # fmt: skip


@pytest.fixture
def board(tmp_path: Path, build: Any) -> Board:
    """One scored method that a failed cell alone makes a name with `top_k` necessary for."""
    done = build.make_record(key="d0ne", counts=DETECTORS)
    done = type(done)(**{**vars(done), "method": method(top_k=100)})
    build.put(tmp_path, done, build.make_scores(0.5))
    failed = {"method": method(top_k=50), "key": "fa11ed", "status": "failed", "error": ERROR}
    write_record(tmp_path, type(done)(**{**vars(done), **failed, "counts": {}}))
    sentences = build.make_record(key="5ent", concepts="free text", n_concepts=0)
    writer = {**method(), "name": "milan", "vocabulary": "free text", "params": {}}
    sentences = type(done)(**{**vars(sentences), "method": writer})
    build.put(tmp_path, sentences, build.make_scores(0.4))
    return load_board([tmp_path])


def test_a_failed_cell_counts_for_the_names_on_all_pages(board: Board) -> None:
    files = render_scores(board) | render_costs(board)
    pages = {name: data.decode() for name, data in files.items() if not name.endswith(".gz")}
    for name in [name for name in pages if name.endswith((".tex", ".bib"))]:
        text = pages.pop(name)
        if name.startswith("tables/"):
            assert text.count("clip\\_\\allowbreak dissect") == 1
            assert "clip\\_\\allowbreak dissect top\\_\\allowbreak k=100" in text
    assert "clip_dissect" not in pages.pop("columns.csv")
    assert set(pages) == {
        "README.md", "board.md", "labels.md", "costs.md", "summary.csv", "detectors.csv",
        "costs.csv", "confidence.csv",
    }  # fmt: skip
    for name, page in pages.items():
        shown = page.replace("clip_dissect top_k=100", "").replace("clip_dissect top_k=50", "")
        assert "clip_dissect" not in shown, name
        assert "clip_dissect top_k=100" in page, name
    assert "failed: clip_dissect top_k=50 on" in pages["README.md"]


def test_a_failed_cell_counts_for_the_names_in_all_frames(board: Board) -> None:
    rows = [set(table["row"]) for table in (board.summary, board.results, board.units)]
    methods = [set(table["method"]) for table in (board.costs, board.detectors)]
    for names in [*rows, *methods]:
        assert {name for name in names if name.startswith("clip")} == {"clip_dissect top_k=100"}


def test_cells_that_no_setting_tells_apart_carry_their_keys_everywhere(
    tmp_path: Path, build: Any
) -> None:
    for key in ("aaaaaaaa", "bbbbbbbb"):
        build.put(tmp_path, build.make_record(key=key, counts=DETECTORS), build.make_scores(0.5))
    board = load_board([tmp_path])
    names = {"clip_dissect #aaaaaa", "clip_dissect #bbbbbb"}
    assert {row.label for row in board.tables[0].methods} == names
    assert set(board.costs["method"]) == set(board.detectors["method"]) == names
