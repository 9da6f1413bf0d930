"""The split of units for tuning, and boards with a method that was tuned on development units."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from leaderboards.board import Board, load_board
from leaderboards.pages.render import render_scores
from leaderboards.storage import write_record
from metrics.development import is_development_unit
from metrics.statistics import bca_mean, wilson

if TYPE_CHECKING:
    from pathlib import Path

DEV = [unit for unit in range(55) if is_development_unit("fc", unit)]


def test_the_split_never_changes() -> None:
    assert DEV == [0, 20, 26, 28, 29, 39, 40, 47, 51]
    layer4 = [unit for unit in range(1000) if is_development_unit("layer4", unit)]
    assert layer4[:5] == [17, 26, 38, 40, 57]
    assert len(layer4) == 179


def put(root: Path, build: Any, similarity: str, right: list[int], **method: str) -> None:
    """Write a record whose labels are right for the given units of 55."""
    record = build.make_record(similarity)
    value = len(right) / 55
    units = build.make_units(value)
    for column in ("lexical_match", "accuracy_at_1"):
        units[column] = np.isin(units["unit"], right).astype(float)
    write_record(
        root,
        replace(record, method={**record.method, **method}),
        descriptions=build.make_descriptions(),
        scores=[(build.make_scores(value), units)],
    )


@pytest.fixture
def board(tmp_path: Path, build: Any) -> Board:
    """A method that is right on all development units and few others, and a better one."""
    put(tmp_path, build, "tuned", [*DEV, 1, 2, 3], tuned_on="dev")
    put(tmp_path, build, "plain", list(range(1, 12)))
    return load_board([tmp_path])


def test_all_rows_of_its_column_are_compared_on_the_other_units(board: Board) -> None:
    [table] = board.tables
    assert table.tuned == ("clip_dissect tuned (tuned on dev)",)
    plain, tuned = table.methods
    assert plain.label == "clip_dissect plain"
    for row, right in ((plain, 11), (tuned, 3)):
        score = row.scores["lexical_match"]
        values = np.repeat([1.0, 0.0], [right, 46 - right])
        assert (score.value, score.n) == (pytest.approx(right / 46), 46)
        # As the score of a layer of these units alone, with the same seed.
        assert (score.ci_low, score.ci_high) == bca_mean(values, seed=0, limits=(0, 1))
        assert row.scores["accuracy_at_1"].ci_low == wilson(right, 46)[0]
        assert row.scores["lexical_match[seen]"].n == 46 - 7
        # What is no function of the table of units has no value here.
        assert row.scores["clip_cosine"].reason == "shares the text tower | with the labeller"
    verdict = table.verdict("lexical_match")
    assert verdict.best == plain.label
    assert verdict.pairs is not None
    assert verdict.pairs.comparison.n == 46
    assert verdict.pairs.difference(plain.label, tuned.label)[0] == pytest.approx(8 / 46)


def test_tables_and_pages_say_so(board: Board) -> None:
    assert set(board.results.split) == set(board.summary.split) == {"outside dev"}
    assert len(board.units) == 2 * 55
    front, details = (render_scores(board)[name].decode() for name in ("README.md", "board.md"))
    assert "glyphs_val<br>own (56)<br>units outside dev<br>n = 46" in front
    said = (
        "Compared on the units outside dev, since development units were used to tune "
        "`clip_dissect tuned (tuned on dev)`; controls are over all units."
    )
    assert said in front
    assert said in details


def test_without_it_nothing_changes(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, "tuned", [*DEV, 1, 2, 3])
    put(tmp_path, build, "plain", list(range(1, 12)))
    board = load_board([tmp_path])
    assert [row.scores["lexical_match"].n for row in board.tables[0].methods] == [55, 55]
    assert set(board.results.split) == {""}
    assert "outside dev" not in render_scores(board)["README.md"].decode()
