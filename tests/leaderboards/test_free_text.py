"""A method that writes sentences, on a board with methods that choose from sets."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from leaderboards.board import Board, load_board
from leaderboards.pages.console import print_board
from leaderboards.pages.render import check_board, render_scores, write_board
from leaderboards.record import Record
from leaderboards.storage import write_record

if TYPE_CHECKING:
    from pathlib import Path

FREE = {"name": "free text", "params": {}, "sha256": "e3b0c442", "n": 0}
SENTENCE = "A red umbrella | on the sea."


def free_record(build: Any, strategy: str) -> Record:
    made: Record = build.make_record(strategy, method="milan", concepts="free text", n_concepts=0)
    method = {**made.method, "vocabulary": "free text", "params": {"strategy": strategy}}
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__}
    return Record(**(fields | {"method": method, "concepts": FREE}))


def free_scores(build: Any, value: float, sentence: str = SENTENCE) -> dict[str, Any]:
    """Without chance, with the control that lists all names, and with controls of its own."""
    scores: dict[str, Any] = build.make_scores(value)
    null = {"value": None, "reason": "free text: there is no concept set to draw from"}
    controls = scores["controls"]
    controls["chance"] = dict.fromkeys(controls["chance"], null)
    controls["constant"] = {
        name: build.share(value / 10, detail={"concept": sentence}) for name in controls["constant"]
    }
    controls["oracle"] = {name: build.share(value / 2 + 0.5) for name in controls["oracle"]}
    controls["listed"] = {
        name: build.share(0.0, detail={"concept": "all true names"}) for name in controls["oracle"]
    }
    scores["scores"]["nearest_name"] = build.share(value)
    scores["scores"]["bleu"] = build.share(0.07)
    return scores


@pytest.fixture
def board(tmp_path: Path, build: Any) -> Board:
    for similarity, value in (("soft_wpmi", 0.9), ("wpmi", 0.5)):
        for concepts, n in (("own", 56), ("english", 20000)):
            record = build.make_record(similarity, concepts=concepts, n_concepts=n)
            build.put(tmp_path, record, build.make_scores(value, n))
    for strategy, value in (("rerank", 0.6), ("greedy", 0.3)):
        units = build.make_units(value)
        units.loc[:2, "label"] = [SENTENCE, "", f"A <b>{strategy}</b> sentence."]
        units.loc[2, "lexical_match"] = 0.5
        scores = [(free_scores(build, value, f"The {strategy} sentence."), units)]
        write_record(
            tmp_path, free_record(build, strategy), descriptions=build.make_descriptions(),
            scores=scores, timing=build.make_timing(),
        )  # fmt: skip
    return load_board([tmp_path])


def test_free_text_is_a_column_of_the_same_table(board: Board) -> None:
    summary = board.summaries[0]
    headings = [column.condition.heading for column in summary.columns]
    assert headings == [
        ("glyphs_val", "own (56)"), ("glyphs_val", "english (20,000)"), ("glyphs_val", "free text"),
    ]  # fmt: skip
    *closed, free = summary.columns
    assert free.condition.n_concepts is None
    assert set(summary.methods) == {
        "clip_dissect soft_wpmi", "clip_dissect wpmi", "milan rerank", "milan greedy",
    }  # fmt: skip
    assert {e.label for e in free.estimates.values() if e.is_method} == {
        "milan rerank", "milan greedy",
    }  # fmt: skip
    assert summary.controls == ("oracle", "constant", "listed", "shuffled", "chance")
    assert all("listed" not in column.estimates for column in closed)
    assert free.estimates["chance"].value is None
    assert free.verdict.best == "milan rerank"
    assert free.verdict.not_above["listed"] == ()


def test_controls_are_in_the_words_of_the_best_method(board: Board) -> None:
    [table] = [s for s in board.tables if s.condition.concepts == "free text"]
    oracle, constant = table.control("oracle"), table.control("constant")
    assert oracle is not None
    assert constant is not None
    assert oracle.scores["lexical_match"].value == pytest.approx(0.8)
    assert oracle.note == "in the words of milan rerank"
    assert constant.note == "in the words of milan rerank; the sentence The rerank sentence."
    assert oracle.vocabulary == "free text"
    # That another method's own words give other controls is no disagreement.
    assert table.notes == ()


def test_the_pages_show_sentences_beside_words(board: Board) -> None:
    files = render_scores(board)
    page = files["labels.md"].decode()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("|")]
    assert [cell.strip(" |") for cell in rows[0]] == [
        "unit", "true name", "clip_dissect soft_wpmi<br>own (56)",
        "clip_dissect soft_wpmi<br>english (20,000)", "milan rerank<br>free text",
        "milan greedy<br>free text",
    ]  # fmt: skip
    assert [cell.strip(" |") for cell in rows[2]] == [
        "0", "umbrella", "**umbrella**", "**umbrella**",
        *[f"**{SENTENCE}**".replace("|", "\\|")] * 2,
    ]  # fmt: skip
    assert [cell.strip(" |") for cell in rows[3]][2:] == ["—"] * 4
    assert "A &lt;b&gt;greedy&lt;/b&gt; sentence." in page
    assert "**A &lt;b" not in page  # half right, by a broader name
    front, details = files["README.md"].decode(), files["board.md"].decode()
    assert "free text" in front
    assert "(0)" not in front + details
    assert "0 concepts" not in details.replace("20000 concepts", "")
    assert "[labels.md](labels.md)" in front
    assert "**listed**" in front
    assert "nearest true name" in details
    assert "BLEU" in details
    console = Console(file=io.StringIO(), width=200)
    print_board(board, console)
    assert "free text" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_page_is_a_part_of_the_check(board: Board, tmp_path: Path) -> None:
    write_board(board, tmp_path / "out")
    assert check_board(board, tmp_path / "out") == []
    (tmp_path / "out" / "labels.md").write_text("other", encoding="utf-8")
    assert check_board(board, tmp_path / "out") == ["labels.md"]


def test_boards_without_sentences_have_no_such_page(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    found = load_board([tmp_path])
    files = render_scores(found)
    assert "labels.md" not in files
    assert "labels.md" not in files["README.md"].decode()
    assert "Free text" not in files["README.md"].decode()
