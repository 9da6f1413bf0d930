"""Texts of strangers do no harm in any file of a board, nor on a terminal."""

from __future__ import annotations

import csv
import gzip
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from bench.errors import UserError
from leaderboards.board import Board, load_board
from leaderboards.latex.text import escape as escape_latex
from leaderboards.pages.console import print_board
from leaderboards.pages.markdown import escape
from leaderboards.pages.render import render_costs, render_pictures, render_scores
from leaderboards.storage import write_record
from tests.leaderboards.test_latex import check_latex

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</table> <!-- & &lt;b&gt; &#60;",
    "a | b `c` **d** [e](javascript:alert) ![f](http://x.test/f.png) $g$ ~h~",
    r"\input{/etc/passwd} \end{tabular} 50% & #1 ^^41 {[*-,,--",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\x1b]0;title\x07\x1b[2J\x1b[31mred\x9b1m",
    "safe\u202e}txt.exe\u2066\u200f\r\n\tnext\x00",
)
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
OUR_TAGS = re.compile(r'<br>|<a id="[\w-]+">|</a>')


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, build: Any) -> Board:
    """A board with every hostile text in every field that a stranger can fill."""
    root = tmp_path_factory.mktemp("hostile")
    for number, text in enumerate(HOSTILE):
        record = build.make_record(
            text, layer=text, probe=text, concepts=text, target=text, key=f"k{number}"
        )
        method = record.method | {
            "source": text, "given": text, "vocabulary": "free text", "version": text,
            "submission": {"licence": text, "hardware": text, "link": text, "authors": [text]},
        }  # fmt: skip
        counts = {**record.counts, "detectors": 9, "unique_detectors": 5, f"detectors_{text}": 5}
        record = replace(
            record, method=method, notes=(text,), encoder={"name": text}, counts=counts,
            origin="imported" if number % 2 else "measured",
        )  # fmt: skip
        reason = {"value": None, "reason": text}
        scores = build.make_scores(0.5)
        scores["scores"]["clip_cosine"] = reason
        scores["scoring"]["truth"] = {"name": text}
        units = build.make_units(0.5).assign(label=text, truth=text)
        timing = build.make_timing(hardware=text, device=text)
        write_record(root, record, descriptions=build.make_descriptions(),
                     scores=[(scores, units)], timing=timing)  # fmt: skip
        error = {"type": text, "message": text, "traceback": text}
        failed = replace(record, key=f"f{number}", status="failed", error=error, counts={})
        write_record(root, failed)
    return load_board([root], f"dissectbench board {' '.join(HOSTILE)}")


@pytest.fixture(scope="module")
def files(board: Board) -> dict[str, bytes]:
    return render_scores(board) | render_costs(board)


def pages(files: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    for name, data in files.items():
        if name.endswith(".md"):
            yield name, data.decode()


def test_pages_hold_no_tag_link_or_image_of_a_stranger(files: dict[str, bytes]) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    seen = set()
    for name, page in pages(files):
        seen.add(name)
        assert not OBEYED.search(page.replace("\n", "")), name
        tokens = [
            inner for token in parser.parse(page) for inner in (token, *(token.children or ()))
        ]
        for token in tokens:
            if token.type in ("html_block", "html_inline"):
                assert not OUR_TAGS.sub("", token.content).strip(), (name, token.content)
            if token.type == "link_open":
                assert re.fullmatch(r"[\w.-]*(#[\w-]+)?", str(token.attrs["href"])), token.attrs
            if token.type == "image":
                assert token.attrs["src"] in ("detectors.png", "sensitivity.png")
            assert token.type != "s_open", name  # struck through
        for block in page.split("\n\n"):
            if block.startswith("|"):
                assert (
                    len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
                )
    assert {"README.md", "board.md", "labels.md", "costs.md"} <= seen


def test_latex_runs_nothing(files: dict[str, bytes]) -> None:
    names = [name for name in files if name.endswith(".tex")]
    assert len(names) > len(HOSTILE)
    for name in names:
        text = files[name].decode()
        assert not OBEYED.search(text.replace("\n", "")), name
        check_latex(text)
        code = "\n".join(line for line in text.splitlines() if not line.startswith("% "))
        loaded = {f"{one}.tex" for one in re.findall(r"\\input\{([^}]*)\}", code)}
        assert loaded <= set(names)


def test_spreadsheets_evaluate_nothing_and_terminals_obey_nothing(files: dict[str, bytes]) -> None:
    seen = set()
    for name, data in files.items():
        if ".csv" in name:
            text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
            for row in csv.DictReader(io.StringIO(text, newline="")):
                for column, cell in row.items():
                    seen.add(cell)
                    assert not OBEYED.search(cell.replace("\r", "")), (name, column)
                    number = re.fullmatch(r"-?[\d.]+(e[+-]\d+)?", cell)
                    assert number or not cell.startswith(tuple("=@+-\t\r\n")), (name, column)
    # Texts without control characters stay as they are, behind an apostrophe where needed.
    assert HOSTILE[0] in seen
    assert f"'{HOSTILE[4]}" in seen


def test_a_terminal_shows_texts_and_obeys_none(board: Board) -> None:
    stream = io.StringIO()
    print_board(board, Console(file=stream, width=100))
    shown = stream.getvalue()
    assert "calc" in shown
    assert not OBEYED.search(shown.replace("\n", ""))


@pytest.mark.parametrize("text", HOSTILE)
def test_messages_are_printable(text: str) -> None:
    message = str(UserError(text, where=text, valid=[text], hint=text))
    assert not OBEYED.search(message.replace("\n", ""))
    assert message.isprintable() or "\n" in message


def test_figures_are_sound_and_hold_no_script(board: Board) -> None:
    found = render_pictures(board)
    svg = ET.fromstring(found["detectors.svg"].decode())
    tags = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert "text" in tags
    assert not tags & {"script", "a", "image", "foreignObject"}
    texts = "".join(svg.itertext())
    assert not OBEYED.search(texts.replace("\n", ""))
    assert "alert(1)" in texts


@pytest.mark.parametrize("text", HOSTILE)
def test_escapes_are_one_line(text: str) -> None:
    for safe in (escape(text), escape_latex(text)):
        assert "\n" not in safe
        assert not OBEYED.search(safe)
