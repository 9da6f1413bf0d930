"""Counts of detectors: from records to a table, a section and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboards.board import load_board
from leaderboards.pages.render import check_board, render_scores, write_board

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"
COUNTS = {
    "units": 56, "dead": 1, "unlabelled": 0,
    "detectors": 9, "unique_detectors": 5, "detectors_object": 4, "detectors_color": 1,
}  # fmt: skip


def write(build: Any, root: Path, layer: str, counts: dict[str, int], **changes: Any) -> None:
    method = {
        "name": "netdissect", "version": 1, "params": {"threshold": 0.04}, "source": "paper",
        "given": "masks", "vocabulary": "mask labels",
    } | changes  # fmt: skip
    record = build.make_record(layer=layer, counts=counts, method=method["name"])
    target = {**record.target, "map_size": [7, 5] if layer != "fc" else None}
    fields = {**vars(record), "method": method, "target": target}
    build.write_record(root, type(record)(**fields), scores=[])


@pytest.fixture
def records(build: Any, tmp_path: Path) -> Path:
    root = tmp_path / "results"
    write(build, root, "layer4", COUNTS)
    write(build, root, "fc", {**COUNTS, "detectors": 2, "unique_detectors": 2})
    return root


def test_one_row_a_category_and_one_for_all(records: Path) -> None:
    found = load_board([records]).detectors
    hidden = found[found["layer"] == "layer4"]
    assert dict(zip(hidden["category"], hidden["unique_detectors"], strict=True)) == {
        "all": 5, "color": 1, "object": 4,
    }  # fmt: skip
    assert set(hidden["map_size"]) == {"7 x 5"}
    assert set(hidden["detectors"]) == {9}
    assert set(hidden["threshold"]) == {0.04}
    assert set(found[found["layer"] == "fc"]["map_size"]) == {"1 x 1"}


def test_the_page_has_a_section_and_a_picture(records: Path, tmp_path: Path) -> None:
    board = load_board([records])
    page = render_scores(board)["README.md"].decode()
    assert "## Detectors" in page
    assert "| glyphs_objects, layer4 | 7 x 5 |" in page
    out = tmp_path / "out"
    names = {path.name for path in write_board(board, out)}
    assert {"detectors.csv", "detectors.png"} <= names
    assert (out / "detectors.png").read_bytes().startswith(PNG)
    assert check_board(board, out) == []
    (out / "detectors.csv").write_text("")
    assert check_board(board, out) == ["detectors.csv"]


def test_boards_without_counts_have_neither(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path, "layer4", {"units": 56, "dead": 0, "unlabelled": 0})
    board = load_board([tmp_path])
    assert not len(board.detectors)
    assert "## Detectors" not in render_scores(board)["README.md"].decode()
    assert not (tmp_path / "out" / "detectors.png").exists()


def test_what_is_no_count_is_passed_over(build: Any, tmp_path: Path) -> None:
    strange: Any = {**COUNTS, "units": "many", "detectors_color": [1]}
    write(build, tmp_path / "a", "layer4", strange, params={"threshold": "low"})
    write(build, tmp_path / "b", "fc", {**COUNTS, "detectors": "x"})  # type: ignore[dict-item]
    board = load_board([tmp_path / "a", tmp_path / "b"])
    assert set(board.detectors["layer"]) == {"layer4"}
    assert " — |" in render_scores(board)["README.md"].decode()


def test_a_category_of_a_strangers_record_is_escaped(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path, "layer4", {**COUNTS, "detectors_<b>|x": 1})
    page = render_scores(load_board([tmp_path]))["README.md"].decode()
    assert "<b>|x" not in page
