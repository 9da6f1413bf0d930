"""Counts of detectors: from records to a table, a section and a picture."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from PIL import Image

from leaderboards.board import load_board
from leaderboards.pages.detectors_plot import draw_detectors
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
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    where = "glyphs_objects, layer4 (7 x 5)"
    assert [where, "netdissect", "masks", "0.04", "56", "9"] in rows
    assert [where, "netdissect", "5", "1", "4"] in rows
    out = tmp_path / "out"
    names = {path.name for path in write_board(board, out)}
    assert {"detectors.csv", "detectors.png", "detectors.svg"} <= names
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


def frame(rows: list[tuple[str, str, str, int, int]]) -> pd.DataFrame:
    """Detectors by layer, method, category, units and count."""
    columns = ["layer", "method", "category", "units", "unique_detectors"]
    shared = {"target": "net", "map_size": "7 x 7", "probe": "p", "given": "masks (all)"}
    return pd.DataFrame(rows, columns=columns).assign(**shared)


def test_the_figure_shows_shares_of_units_and_nothing_that_is_empty() -> None:
    found = frame(
        [
            ("wide", "a", "all", 2000, 900), ("wide", "a", "object", 2000, 896),
            ("wide", "a", "color", 2000, 0), ("narrow", "a", "object", 10, 5),
            ("narrow", "b$<&", "mixed", 10, 1), ("none", "a", "object", 50, 0),
        ]
    )  # fmt: skip
    svg = draw_detectors(found)["detectors.svg"].decode()
    texts = [text for _, text in re.findall(r"<text (.*?)>(.*?)</text>", svg, re.DOTALL)]
    assert "896" in texts
    assert "wide (7 x 7)" in texts
    assert "none (7 x 7)" not in texts
    assert "color" not in texts
    assert "b$&lt;&amp;" in texts
    assert texts.index("object") < texts.index("mixed")


def test_only_a_method_that_ran_has_a_number() -> None:
    rows = [("wide", "a", "object", 20, 5), ("narrow", "b", "object", 10, 1)]
    found_none = [*rows, ("wide", "b", "all", 20, 0)]
    zeros = [
        draw_detectors(frame(own))["detectors.svg"].count(b">0</text>")
        for own in (rows, found_none)
    ]
    assert zeros[1] == zeros[0] + 1


def test_without_any_detector_there_is_no_figure(build: Any, tmp_path: Path) -> None:
    assert draw_detectors(frame([("fc", "a", "object", 10, 0)])) == {}
    counts = {**COUNTS, "detectors": 0, "unique_detectors": 0}
    counts |= {"detectors_object": 0, "detectors_color": 0}
    write(build, tmp_path, "layer4", counts)
    board = load_board([tmp_path])
    page = render_scores(board)["README.md"].decode()
    assert "## Detectors" in page
    assert "![" not in page


@pytest.mark.parametrize(("layers", "inches"), [(1, 3.25), (2, 6.75)])
def test_figures_have_the_width_of_a_paper(layers: int, inches: float) -> None:
    rows = [(f"layer{number}", "a", "object", 10, 5) for number in range(layers)]
    files = draw_detectors(frame(rows))
    [width] = re.findall(r'<svg[^>]* width="([\d.]+)pt"', files["detectors.svg"].decode())
    assert float(width) == pytest.approx(72 * inches)
    with Image.open(io.BytesIO(files["detectors.png"])) as picture:
        assert picture.width == 200 * inches
