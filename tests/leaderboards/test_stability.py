"""Stability of labels: its files, and how a board shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from leaderboards.board import load_board
from leaderboards.pages.render import render_scores
from leaderboards.stability import STABILITY, has_stability, read_stability, write_stability
from metrics.scores import Score

if TYPE_CHECKING:
    from pathlib import Path

SCORE = Score(0.75, 0.5, 0.9, n=2, detail={"resamples": 20, "seed": 0})
UNITS = pd.DataFrame({"unit": [0, 1], "label": ["sea", "sky"], "share": [1.0, 0.5]})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_stability(tmp_path) == {}
    assert not has_stability(tmp_path, 20, 0)
    write_stability(tmp_path, SCORE, UNITS)
    assert read_stability(tmp_path) == {"label_stability": SCORE}
    assert pd.read_csv(tmp_path / "stability.csv.gz").equals(UNITS)


@pytest.mark.parametrize(
    ("resamples", "seed", "same"), [(20, 0, True), (21, 0, False), (20, 1, False)]
)
def test_other_resamples_are_measured_again(
    tmp_path: Path, resamples: int, seed: int, same: bool
) -> None:
    write_stability(tmp_path, SCORE, UNITS)
    assert has_stability(tmp_path, resamples, seed) is same


def test_a_damaged_file_is_measured_again(tmp_path: Path) -> None:
    (tmp_path / STABILITY).write_text("{")
    assert not has_stability(tmp_path, 20, 0)


def test_a_board_shows_the_stability_and_its_reasons(build: Any, tmp_path: Path) -> None:
    for method, score in (("a", SCORE), ("b", Score(None, reason="exemplars cannot be resampled"))):
        folder = build.put(tmp_path, build.make_record(method), build.make_scores(0.5))
        write_stability(folder, score)
    board = load_board([tmp_path])
    own = board.results[board.results["metric"] == "label_stability"].set_index("row")
    assert own.loc["clip_dissect a", ["value", "ci_low", "ci_high"]].tolist() == [0.75, 0.5, 0.9]
    assert own.loc["clip_dissect b", "reason"] == "exemplars cannot be resampled"
    files = render_scores(board)
    section = files["README.md"].decode().partition("## Stability of labels")[2]
    assert "0.750 [0.50, 0.90]" in section
    assert "clip_dissect b" not in section.partition("\n## ")[0]
    assert "label stability" in files["board.md"].decode()


def test_other_boards_gain_nothing(build: Any, tmp_path: Path) -> None:
    folder = build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    before = load_board([tmp_path])
    assert "tability" not in render_scores(before)["README.md"].decode()
    write_stability(folder, SCORE, UNITS)
    assert load_board([tmp_path]).score_hash != before.score_hash
