from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from leaderboards.board import load_board
from leaderboards.confidence import COLUMNS
from leaderboards.pages.confidence import confidence_section
from leaderboards.pages.render import render_scores
from leaderboards.storage import write_record
from metrics.confidence import confidence

if TYPE_CHECKING:
    from pathlib import Path


def units_with(build: Any, scores: list[float], right: list[bool]) -> pd.DataFrame:
    units: pd.DataFrame = build.make_units(0.0, n=len(scores))
    own = [f"label {unit}" for unit in range(len(scores))]
    return units.assign(score=scores, label=own, accuracy_at_1=np.array(right, dtype=float))


def put(root: Path, build: Any, name: str, units: pd.DataFrame, **part: Any) -> None:
    scores = build.make_scores(float(units["accuracy_at_1"].mean()))
    record = build.make_record(name, **part)
    write_record(root, record, descriptions=build.make_descriptions(), scores=[(scores, units)])


def test_each_method_of_a_condition_has_a_row(tmp_path: Path, build: Any) -> None:
    right = [unit % 3 > 0 for unit in range(55)]
    falling = [-float(unit) for unit in range(55)]
    knowing = [10.0 * r - unit for unit, r in enumerate(right)]
    put(tmp_path, build, "wpmi", units_with(build, falling, right))
    put(tmp_path, build, "cos", units_with(build, knowing, right))
    found = load_board([tmp_path]).confidence
    assert tuple(found.columns) == COLUMNS
    own = found.set_index("method").loc["clip_dissect wpmi"]
    expected = confidence(range(55), falling, right)
    assert own["aurc"] == pytest.approx(expected.aurc)
    assert own["excess_aurc"] == pytest.approx(expected.excess)
    assert own["aurc_chance"] == pytest.approx(19 / 55)
    assert [own[f"right_fifth_{k}"] for k in range(1, 6)] == pytest.approx(expected.fifths)
    assert own["auroc"] == 0.7  # the score of the scores file


def test_dead_silent_and_nameless_units_do_not_count(tmp_path: Path, build: Any) -> None:
    units = units_with(build, [float(unit) for unit in range(30)], [True, False] * 15)
    units.loc[0, "dead"] = "True"
    units.loc[1, "truth"] = ""
    units.loc[2, "label"] = ""
    units.loc[3, "score"] = float("nan")
    put(tmp_path, build, "wpmi", units)
    found = load_board([tmp_path]).confidence.iloc[0]
    assert (found["n"], found["n_left_out"]) == (26, 2)


def test_conditions_of_two_judges_count_once(tmp_path: Path, build: Any) -> None:
    units = units_with(build, [float(unit) for unit in range(30)], [True, False] * 15)
    judged = [build.make_scores(0.5, skey=skey) for skey in ("5c0e", "5c0f")]
    judged[1]["scoring"] = judged[1]["scoring"] | {"sentence": {"name": "other"}}
    sets = [(scores, units) for scores in judged]
    write_record(tmp_path, build.make_record(), descriptions=build.make_descriptions(), scores=sets)
    board = load_board([tmp_path])
    assert len(board.tables) == 2
    assert len(board.confidence) == 1


def test_the_page_shows_the_condition_with_most_methods(tmp_path: Path, build: Any) -> None:
    mixed = units_with(build, [float(unit) for unit in range(55)], [u >= 20 for u in range(55)])
    sure = mixed.assign(accuracy_at_1=1.0)
    for name in ("wpmi", "cos"):
        put(tmp_path, build, name, mixed, concepts="english")
    for name in ("wpmi", "cos", "rank"):
        put(tmp_path, build, name, sure if name != "rank" else mixed, concepts="own")
    board = load_board([tmp_path])
    page = "\n".join(confidence_section(board))
    assert "## Can a method's own score be trusted?" in page
    assert "glyphs_objects, fc: glyphs_val × english" in page
    assert "× own" not in page  # only one method errs there
    assert "clip_dissect cos" in page
    assert "0.000 (0.284)" in page  # excess AURC of the best order, and of a random one
    files = render_scores(board)
    assert page in files["README.md"].decode().replace("\n\n", "\n")
    assert len(pd.read_csv(io.BytesIO(files["confidence.csv"]))) == 5


def test_no_section_where_every_label_is_right(tmp_path: Path, build: Any) -> None:
    units = units_with(build, [1.0] * 55, [True] * 55)
    put(tmp_path, build, "wpmi", units)
    board = load_board([tmp_path])
    assert confidence_section(board) == []
    assert board.confidence["excess_aurc"].isna().all()
