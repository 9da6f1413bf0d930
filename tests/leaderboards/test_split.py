"""Long pages go on in further files; exported tables are safe to open in a spreadsheet."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from leaderboards.board import load_board
from leaderboards.pages.render import check_board, render_costs, render_scores, write_board
from leaderboards.pages.split import PAGE_BYTES, split_page
from leaderboards.record_tables import read_descriptions

if TYPE_CHECKING:
    from pathlib import Path

ROW = f"| {'x' * 100} | {'y' * 100} |"
HEADER = "| a | b |\n| :- | -: |"


def page(sections: int, rows: int) -> str:
    """Return a page with a list of links to its sections, each with a heading and a table."""
    blocks = ["# Title", "\n".join(f"- [section {n}](#s-{n})" for n in range(sections))]
    for number in range(sections):
        blocks += [f'<a id="s-{number}"></a>', f"## Section {number}", f"### Part {number}"]
        blocks.append(
            "\n".join([HEADER, *(ROW.replace("y", str(number % 10)) for _ in range(rows))])
        )
    return "\n\n".join(blocks) + "\n"


def test_a_short_page_is_one_file() -> None:
    text = page(3, 5)
    assert split_page("board.md", text) == {"board.md": text}
    longer = page(40, 30)
    assert split_page("board.md", longer, whole_bytes=2 * PAGE_BYTES) == {"board.md": longer}


@pytest.mark.parametrize(("sections", "rows"), [(40, 60), (1, 3000), (400, 10)])
def test_a_long_page_is_split_without_loss(sections: int, rows: int) -> None:
    text = page(sections, rows)
    pages = split_page("board.md", text)
    assert list(pages)[:2] == ["board.md", "board-2.md"]
    assert max(len(part.encode()) for part in pages.values()) <= PAGE_BYTES
    lines = "".join(pages.values()).splitlines()
    assert [line for line in lines if line.startswith("| x")] == [
        line for line in text.splitlines() if line.startswith("| x")
    ]
    for name, part in pages.items():
        assert part.startswith("# Title")
        assert all(f"]({other})" in part for other in pages if other != name)
        blocks = part.rstrip("\n").split("\n\n")
        assert not blocks[-1].startswith(("#", "<a"))  # no heading without its text
        assert all(block.startswith(HEADER) for block in blocks if block.startswith("|"))
    for number in range(sections):
        [target] = re.findall(rf"\[section {number}\]\((.*)#s-{number}\)", "".join(pages.values()))
        assert f'<a id="s-{number}"></a>' in pages[target or "board.md"]


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["conditions", "methods", "targets"])
def test_pages_of_500_records(tmp_path: Path, build: Any, shape: str) -> None:
    root, out = tmp_path / "records", tmp_path / "out"
    for number in range(500):
        own = f"a_name_of_some_length_{number}"
        similarity = own if shape == "methods" else f"similarity_{number % 5}"
        places = {
            "conditions": {
                "target": f"network_{number // 50}",
                "layer": f"layer{number // 5 % 10}",
            },
            "methods": {},
            "targets": {"target": own},
        }
        record = build.make_record(similarity, **places[shape])
        build.put(root, record, build.make_scores(number * 7 % 50 / 55))
    board = load_board([root])
    assert board.n_records == 500
    files = render_scores(board) | render_costs(board)
    sizes = {name: len(data) for name, data in files.items() if name.endswith(".md")}
    assert max(sizes.values()) <= PAGE_BYTES, sizes
    if shape != "conditions":
        return
    write_board(board, out)
    assert check_board(board, out) == []
    (out / "board-2.md").write_text("changed")
    (out / "board-99.md").write_text("left by a larger board")
    assert check_board(board, out) == ["board-2.md", "board-99.md"]
    write_board(board, out)
    assert check_board(board, out) == []


FORMULAS = ('=HYPERLINK("x")', "@SUM(1)", "+1+1", "-2+3", "\tx", "\rx")


def test_texts_of_exported_tables_are_no_formulas(tmp_path: Path, build: Any) -> None:
    """Numbers stay numbers, and the record itself keeps its text."""
    board = load_board([build.put(tmp_path, build.make_record(), build.make_scores(0.5))])
    assert len(board.summary) > len(FORMULAS)
    names = [*FORMULAS, *["plain - text"] * (len(board.summary) - len(FORMULAS))]
    summary = board.summary.assign(row=names, value=-1.5)
    content = render_scores(replace(board, summary=summary))["summary.csv"].decode()
    table = pd.read_csv(io.StringIO(content, newline=""), keep_default_na=False)
    assert [str(text) for text in table["row"]] == [
        *(f"'{text}" for text in FORMULAS), *names[len(FORMULAS) :]
    ]  # fmt: skip
    assert set(table["value"]) == {-1.5}


def test_tables_of_records_stay_exact(tmp_path: Path, build: Any) -> None:
    folder = build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    labels = pd.DataFrame({"unit": range(6), "rank": 1, "label": list(FORMULAS), "score": 0.5})
    again = build.write_record(tmp_path, build.make_record("wpmi"), descriptions=labels)
    assert again != folder
    assert list(read_descriptions(again)["label"]) == list(FORMULAS)
