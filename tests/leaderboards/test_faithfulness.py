"""Faithfulness of labels: its files, and how a board shows it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from leaderboards.board import load_board
from leaderboards.dictionary import describe_columns
from leaderboards.faithfulness import (
    FaithfulnessSet,
    describe_images,
    describe_presence,
    faithfulness_files,
    read_faithfulness,
    read_faithfulness_with_units,
    write_faithfulness,
)
from leaderboards.files import csv_bytes, gzip_bytes
from leaderboards.pages.render import render_scores
from leaderboards.record import RecordError
from leaderboards.record_tables import DESCRIPTIONS
from metrics.scores import Score

if TYPE_CHECKING:
    from pathlib import Path

SETTING: dict[str, Any] = {
    "probe": {"name": "glyphs", "params": {"variant": "val", "offset": 1000}, "n": 1000,
              "fingerprint": {"offset": 1000}},
    "presence": {"kind": "annotations", "fingerprint": {}},
    "alpha": 0.01,
    "seed": 0,
}  # fmt: skip
JUDGE = {
    "kind": "encoder", "name": "open_clip", "fingerprint": {"weights": "w"},
    "calibration": {"scale": 58.0, "bias": -0.25, "source": "published"},
}  # fmt: skip
METRICS = ("correlation", "cosine", "auprc", "f1", "iou")
N = 55


def measured(level: float, *names: str, seed: int = 0, **setting: Any):
    """Scores of units about `level`, and their table."""
    rng = np.random.default_rng(seed)
    values = {name: level + rng.normal(0, 0.05, N) for name in names or METRICS}
    scores = {
        name: Score(float(own.mean()), float(own.mean()) - 0.02, float(own.mean()) + 0.02, N,
                    chance=0.01, ceiling=0.7, p_shuffled=0.0001, detail={"unknown": 2})
        for name, own in values.items()
    }  # fmt: skip
    units = pd.DataFrame({"unit": range(N), "label": "sea", **values})
    return FaithfulnessSet({**SETTING, **setting}, scores), units


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / DESCRIPTIONS).write_bytes(gzip_bytes(b"unit,rank,label,score\n0,1,sea,1\n"))
    return tmp_path


def test_what_is_written_is_read(folder: Path) -> None:
    assert faithfulness_files(folder) == []
    scores, units = measured(0.3)
    path = write_faithfulness(folder, scores, units)
    assert faithfulness_files(folder) == [path]
    found, table = read_faithfulness_with_units(path)
    assert (found.setting, found.scores) == (scores.setting, scores.scores)
    assert set(found.tables) == {f"{scores.fkey}.units.csv.gz", DESCRIPTIONS}
    pd.testing.assert_frame_equal(table, units, check_dtype=False)


def test_names_and_paths_decide_no_key() -> None:
    scores, _ = measured(0.3)
    probe = {**SETTING["probe"], "name": "other", "params": {"path": "/elsewhere"}}
    assert replace(scores, setting={**SETTING, "probe": probe}).fkey == scores.fkey
    for changed in ({"alpha": 0.05}, {"seed": 1}, {"presence": JUDGE},
                    {"probe": {**probe, "fingerprint": {}}}):  # fmt: skip
        assert replace(scores, setting={**SETTING, **changed}).fkey != scores.fkey


def test_other_metrics_are_added_while_the_labels_stay(folder: Path) -> None:
    for level, name in ((0.3, "iou"), (0.4, "mad"), (0.5, "iou")):
        path = write_faithfulness(folder, *measured(level, name))
    found, table = read_faithfulness_with_units(path)
    assert list(found.scores) == ["iou", "mad"]
    assert found.scores["iou"].value == pytest.approx(table["iou"].mean())
    assert table["iou"].mean() == pytest.approx(0.5, abs=0.02)
    (folder / DESCRIPTIONS).write_bytes(gzip_bytes(b"unit,rank,label,score\n0,1,sky,1\n"))
    write_faithfulness(folder, *measured(0.6, "mad"))
    assert list(read_faithfulness(path).scores) == ["mad"]


def test_a_damaged_file_is_written_again_and_a_newer_one_is_kept(folder: Path) -> None:
    path = write_faithfulness(folder, *measured(0.3, "iou"))
    path.write_text("{")
    write_faithfulness(folder, *measured(0.3, "mad"))
    assert list(read_faithfulness(path).scores) == ["mad"]
    path.write_text(json.dumps({"schema": 99}))
    with pytest.raises(RecordError, match="schema 99"):
        write_faithfulness(folder, *measured(0.3, "mad"))


def test_scores_under_another_key_are_refused(folder: Path) -> None:
    path = write_faithfulness(folder, *measured(0.3))
    content = json.loads(path.read_text())
    content["setting"]["alpha"] = 0.05
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match="under another key"):
        read_faithfulness(path)


@pytest.mark.parametrize(
    ("part", "value"),
    [("probe", None), ("probe", {"n": "many"}), ("presence", {"kind": "guess"}), ("alpha", "1"),
     ("presence", {**JUDGE, "calibration": {"scale": 1}}), ("seed", None)],
)  # fmt: skip
def test_other_settings_are_refused(folder: Path, part: str, value: Any) -> None:
    scores, units = measured(0.3)
    path = write_faithfulness(folder, scores, units)
    content = json.loads(path.read_text())
    content["setting"][part] = value
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match="'setting' is not one of faithfulness"):
        read_faithfulness(path)


@pytest.mark.parametrize("column", ["iou", "unit"])
def test_a_table_of_other_units_is_refused(folder: Path, column: str) -> None:
    scores, units = measured(0.3)
    path = write_faithfulness(folder, scores, units)
    broken = units.drop(columns="iou") if column == "iou" else units.assign(unit=0)
    path.with_name(f"{scores.fkey}.units.csv.gz").write_bytes(gzip_bytes(csv_bytes(broken)))
    with pytest.raises(RecordError, match=r"no numbers of iou|several rows"):
        read_faithfulness_with_units(path)


@pytest.fixture
def results(build: Any, tmp_path: Path) -> Path:
    """Three methods and a random network; two of the methods differ in no metric."""
    levels = {"soft_wpmi": 0.3, "wpmi": 0.3, "rank_reorder": 0.1}
    for number, (method, level) in enumerate(levels.items()):
        accuracy = build.METHODS[method]
        folder = build.put(tmp_path, build.make_record(method), build.make_scores(accuracy))
        write_faithfulness(folder, *measured(level, seed=number))
    record = build.make_record("soft_wpmi")
    control = {"name": "random_weights", "seed": 0, "base": record.target["fingerprint"]}
    target = {**record.target, "fingerprint": {"weights": "random"}, "control": control}
    record = replace(record, key="c0", target=target)
    folder = build.put(tmp_path, record, build.make_scores(0.1))
    write_faithfulness(folder, *measured(0.05, seed=9))
    return tmp_path


def test_a_board_compares_methods_and_random_networks(results: Path) -> None:
    board = load_board([results])
    [table] = board.faithfulness
    labels = [row.label for row in table.rows]
    assert labels[2:] == ["clip_dissect rank_reorder", "clip_dissect soft_wpmi, random weights 0"]
    verdict = table.verdicts["iou"]
    assert verdict.below == ("clip_dissect rank_reorder",)
    assert {verdict.best, *verdict.tied} == set(labels[:2])
    assert set(table.taus) == set(METRICS)
    assert table.headline == "lexical_match"
    frame = board.faithfulness_scores
    own = frame[(frame["metric"] == "iou") & (frame["kind"] == "control")]
    assert own["standing"].tolist() == [""]
    assert own["value"].iloc[0] == pytest.approx(0.05, abs=0.03)
    assert frame["reported"].all()
    assert set(frame["unknown"]) == {2}
    page = render_scores(board)["README.md"].decode()
    section = page.partition("## Faithfulness of labels")[2].partition("\n## ")[0]
    assert "1,000 images of val from 1000; what they show: masks and classes." in section
    assert "top 1 % of them" in section
    assert "*clip_dissect soft_wpmi, random weights 0* | 55 (2)" in section
    assert "*random concept*" in section
    assert "2 of 3" in section
    assert "Kendall's tau" in section
    header = next(line for line in section.splitlines() if "correlation" in line and "|" in line)
    assert header.count("|") == 8  # seven columns
    assert set(describe_columns({"faithfulness": frame})["column"]) >= set(frame.columns)


def test_settings_have_tables_of_their_own(results: Path, build: Any) -> None:
    before = load_board([results])
    [folder] = (results / "glyphs" / "clip_dissect").glob(build.make_record("wpmi").key)
    scores, units = measured(1.2, "cosy_mad", presence={"kind": "images", "name": "painted"})
    write_faithfulness(folder, scores, units)
    judged, units = measured(0.2, presence=JUDGE)
    write_faithfulness(folder, replace(judged, circular=True), units)
    board = load_board([results])
    assert len(board.faithfulness) == 3
    assert board.score_hash != before.score_hash
    page = render_scores(board)["README.md"].decode()
    assert "images of concepts in painted" in page
    assert "open\\_clip" in page or "open_clip, sigmoid(58.0 (cos -0.25)), published" in page
    assert "wpmi°" in page


def test_scores_without_a_limit_are_never_saturated(results: Path, build: Any) -> None:
    for number, method in enumerate(("soft_wpmi", "wpmi")):
        folder = results / "glyphs" / "clip_dissect" / build.make_record(method).key
        images = {"kind": "images", "name": "painted"}
        write_faithfulness(folder, *measured(1.5 + number, "cosy_mad", presence=images, alpha=None))
    [table] = [one for one in load_board([results]).faithfulness if one.setting["alpha"] is None]
    verdict = table.verdicts["cosy_mad"]
    assert not verdict.saturated
    assert verdict.best == "clip_dissect wpmi"


def test_a_damaged_file_is_left_out_and_reported(results: Path) -> None:
    path = next(results.rglob("faithfulness/*.json"))
    path.write_text("{")
    board = load_board([results])
    [problem] = board.problems
    assert path.name in problem.where
    assert problem.kind == "damaged"
    assert sum(len(table.rows) for table in board.faithfulness) == 3


def test_other_boards_gain_nothing(build: Any, tmp_path: Path) -> None:
    build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    files = render_scores(load_board([tmp_path]))
    assert "aithfulness" not in files["README.md"].decode()
    assert "faithfulness.csv" not in files


def test_settings_in_words() -> None:
    assert describe_images(SETTING) == "1,000 images of val from 1000"
    assert describe_presence({"presence": JUDGE}) == (
        "open_clip, sigmoid(58.0 (cos -0.25)), published"
    )
    assert csv_bytes(measured(0.1)[1]).startswith(b"unit,label,correlation")
