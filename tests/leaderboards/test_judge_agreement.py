"""Rankings of the same labels by several scores and judges: their agreement, and the warnings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from leaderboards.board import load_board
from leaderboards.judges import Ranking, compare_rankings
from leaderboards.pages.console import print_board
from leaderboards.pages.judges import judges_note, judges_section
from leaderboards.pages.render import render_scores
from leaderboards.storage import write_record
from leaderboards.tables import ConditionTable

if TYPE_CHECKING:
    from pathlib import Path

    from leaderboards.board import Board

MINILM, MPNET = "all-MiniLM-L6-v2", "all-mpnet-base-v2"
N = 55


def ranking(**goodness: float) -> Ranking:
    empty = ConditionTable(None, "", ())  # type: ignore[arg-type]
    return Ranking("mrr", "", "", False, goodness, empty)


@pytest.mark.parametrize(
    ("first", "second", "tau"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3, 4], [1, 3, 2, 4], 4 / 6),  # one of six pairs is reversed
        ([1, 2, 2, 3], [1, 2, 3, 4], 5 / math.sqrt(5 * 6)),  # one pair is tied by the first
        ([1, 1, 2, 2], [1, 2, 2, 2], 2 / math.sqrt(4 * 3)),
        ([1, 1, 1, 1], [1, 2, 3, 4], math.nan),
    ],
)
def test_tau_b_of_two_rankings(first: list[float], second: list[float], tau: float) -> None:
    pairs = (ranking(**dict(zip("abcd", values, strict=True))) for values in (first, second))
    found = compare_rankings(*pairs)
    assert found is not None
    assert found.tau == pytest.approx(tau, nan_ok=True)


def test_rankings_are_compared_over_the_methods_of_both() -> None:
    found = compare_rankings(ranking(a=3, b=2, c=1), ranking(b=1, c=2, d=9))
    assert found is not None
    assert (found.methods, found.tau, found.best) == (2, -1.0, ("b", "c"))
    assert compare_rankings(ranking(a=1, b=2), ranking(b=1, c=2)) is None


def test_a_method_that_ties_for_the_best_is_no_change() -> None:
    found = compare_rankings(ranking(a=2, b=2, c=1), ranking(a=1, b=2, c=2))
    assert found is not None
    assert found.best == ("b", "b")
    assert not found.is_change


def put(root: Path, build: Any, name: str, right: int, **cosines: float) -> None:
    """A record with `right` units correct, and a scores file with the cosines of each judge."""
    scores = []
    for judge, cosine in cosines.items():
        content = build.make_scores(right / N)
        content["scores"]["sentence_cosine"] = build.share(cosine, circular=judge == "minilm")
        kept = ("lexical_match", "sentence_cosine")
        content["scores"] = {score: content["scores"][score] for score in kept}
        weights = f"hub:{MINILM if judge == 'minilm' else MPNET}"
        scoring = content["scoring"] | {"sentence": {"weights": weights}}
        units = build.make_units(right / N)
        noise = (units["unit"] * 7 % 11 - 5) / 1000
        units["sentence_cosine"] = cosine + noise * (1 if name == "wpmi" else -1)
        scores.append((content | {"skey": judge, "scoring": scoring}, units))
    record = build.make_record(name)
    write_record(root, record, descriptions=build.make_descriptions(), scores=scores)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, build: Any) -> Board:
    """Wpmi is best by names and mpnet's cosine, cos by MiniLM's."""
    root = tmp_path_factory.mktemp("records")
    put(root, build, "wpmi", 50, minilm=0.5, mpnet=0.8)
    put(root, build, "cos", 10, minilm=0.7, mpnet=0.6)
    return load_board([root])


def test_the_section_warns_where_the_best_method_changes(board: Board) -> None:
    _, _, warnings, table = judges_section(board)
    assert warnings == (
        "- **Warning**, glyphs_objects, fc: glyphs_val × own (56): the best method depends on the "
        "score.\n"
        "  - `clip_dissect wpmi` by lexical match, `clip_dissect cos` by sentence cosine "
        "(all-MiniLM-L6-v2°).\n"
        "- In 0 of 1 condition no ranking changes the best method."
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert [rows[0], *rows[2:]] == [
        ["score (judge)", "conditions", "best method", "same best", "median tau", "lowest tau"],
        ["lexical match", "1", "clip_dissect wpmi", "—", "—", "—"],
        [f"sentence cosine ({MINILM}°)", "1", "clip_dissect cos", "0 of 1", "-1.00", "-1.00"],
        [f"sentence cosine ({MPNET})", "1", "clip_dissect wpmi", "1 of 1", "1.00", "1.00"],
    ]  # fmt: skip
    page = render_scores(board)["README.md"].decode()
    [note] = judges_note(board, ("glyphs", "glyphs_objects", "fc"))
    assert note in page
    assert "### sentence cosine\n" in page  # one of its two judges is circular
    assert f"judge {MINILM}°<br>" in page
    assert f"judge {MPNET}<br>" in page
    assert "in 1 of 1 condition, significantly in 1 of them" in note


def test_the_terminal_warns_too(board: Board) -> None:
    from rich.console import Console

    console = Console(width=100, record=True)
    print_board(board, console)
    assert "the best method depends on the score in 1 of 1 condition" in console.export_text()


def test_the_table_has_a_row_for_each_pair(board: Board) -> None:
    found = board.judges.set_index(["score_a", "judge_a", "score_b", "judge_b"])
    cosine = "sentence_cosine"
    assert list(found.index) == [
        ("lexical_match", "", cosine, MINILM),
        ("lexical_match", "", cosine, MPNET),
        (cosine, MINILM, cosine, MPNET),
    ]
    assert list(found["tau"]) == [-1.0, 1.0, -1.0]
    assert list(found["methods"]) == [2, 2, 2]
    assert list(found["circular_a"]) == [False, False, True]
    assert list(found["separated_a"].dropna()) == [True, True]
    assert list(found["separated_b"].isna()) == [False, True, False]
    assert list(found["best_b"]) == [f"clip_dissect {name}" for name in ("cos", "wpmi", "wpmi")]
    assert "judges.csv.gz" in render_scores(board)


def test_a_change_between_tied_methods_is_a_weak_warning(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, "wpmi", 30, minilm=0.5)
    put(tmp_path, build, "cos", 29, minilm=0.7)
    board = load_board([tmp_path])
    warnings = judges_section(board)[2]
    assert warnings.startswith("- *Weak warning*, ")
    assert (
        "`clip_dissect wpmi` by lexical match, `clip_dissect cos` by sentence cosine°. "
        "Not separable by lexical match." in warnings
    )
    assert "significantly in 0 of them" in judges_note(board, ("glyphs", "glyphs_objects", "fc"))[0]


def test_a_board_whose_best_method_stays_has_no_warning(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, "wpmi", 50, minilm=0.8)
    put(tmp_path, build, "cos", 10, minilm=0.6)
    board = load_board([tmp_path])
    assert judges_section(board)[2] == "- In 1 of 1 condition no ranking changes the best method."
    assert judges_note(board, ("glyphs", "glyphs_objects", "fc")) == []


def test_one_method_has_no_ranking(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, "wpmi", 50, minilm=0.8, mpnet=0.9)
    board = load_board([tmp_path])
    assert judges_section(board) == []
    assert board.judges.empty
    assert "judges.csv.gz" not in render_scores(board)
