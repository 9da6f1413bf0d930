"""Differences between records, and `dissectbench diff` on the command line."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from bench.__main__ import main
from leaderboards.diff import compare_records, match_records
from leaderboards.record import Record
from leaderboards.storage import find_records, write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str]]

UNITS = ["umbrella", "cow", "urn", ""]


def put(root: Path, build: Any, record: Record, labels: list[str], *, match: float = 2.0) -> Path:
    """Write a record of four units, the last of them without a true name."""
    units = pd.DataFrame(
        {
            "unit": range(4), "truth": UNITS, "label": labels, "score": 0.5, "truth_rank": 1.0,
            "truth_score": 0.5,
            "lexical_match": [float(one == name) for one, name in zip(labels, UNITS, strict=True)],
        }
    )  # fmt: skip
    described = units[units["label"] != ""].assign(rank=1)[["unit", "rank", "label", "score"]]
    scores = build.make_scores(units["lexical_match"][:3].mean())
    return write_record(
        root,
        record,
        descriptions=described,
        scores=[(scores, units)],
        timing=build.make_timing(match),
    )


@pytest.fixture
def diff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """`dissectbench diff` in a temporary folder; returns exit code and output."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["diff", *arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out + said.err

    return run


RIGHT = ["umbrella", "cow", "urn", "sky"]
FLIPPED = ["umbrella", "horse", "urn", "sky"]


def test_equal_records_differ_in_their_times_alone(build: Any, diff: Run) -> None:
    record = build.make_record()
    put(Path("a"), build, record, RIGHT, match=2.0)
    put(Path("b"), build, record, RIGHT, match=9.0)
    code, text = diff("a", "b")
    assert code == 0
    assert "keys: equal" in text
    assert "the records are equal" in text
    assert [line.split() for line in text.splitlines() if "match" in line] == [
        ["match", "2.00", "9.00"]
    ]


def test_a_flipped_unit_is_named_with_its_truth(build: Any, diff: Run) -> None:
    record = build.make_record()
    put(Path("a"), build, record, RIGHT)
    put(Path("b"), build, record, FLIPPED)
    code, text = diff("a", "b", "--csv", "out/labels.csv")
    assert code == 1
    assert "settings: none differ" in text
    assert "labels: 1 of 4 units differ; right only in A: 1, only in B: 0" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["1", "cow", "cow", "horse", "True", "False"] in lines
    assert ["-", "lexical_match", "1.0000", "0.6667", "-0.33"] in lines
    table = pd.read_csv("out/labels.csv")
    assert table.iloc[0].to_dict() == {
        "key_a": record.key, "key_b": record.key, "unit": 1, "truth": "cow", "label_a": "cow",
        "label_b": "horse", "right_a": True, "right_b": False,
    }  # fmt: skip


def test_another_version_and_another_setting_are_named(build: Any, diff: Run) -> None:
    old = {"versions": {"torch": "2.4", "numpy": "2.0"}, "hardware": {"gpu": None}}
    new = {"versions": {"torch": "2.5", "numpy": "2.0"}, "hardware": {"gpu": None}, "git": "f00"}
    put(Path("a"), build, build.make_record(environment=old), RIGHT)
    put(Path("b"), build, build.make_record(environment=new), RIGHT)
    code, text = diff("a", "b")
    assert code == 1
    assert "settings: 2 differ" in text
    assert '  environment.versions.torch: "2.4" | "2.5"\n' in text
    assert '  environment.git: only in B: "f00"\n' in text
    assert "all of 4 units are equal" in text
    assert diff("a", "b", "--ignore", "environment")[0] == 0
    assert diff("a", "b", "--ignore", "environment.versions", "run")[0] == 1
    assert diff("a", "b", "--ignore", "environment.vers")[0] == 1  # no name of a setting


def test_of_lists_of_texts_only_what_differs_is_named(build: Any, diff: Run) -> None:
    overrides = [f"x={number}" for number in range(30)]
    put(Path("a"), build, build.make_record(run={"overrides": [*overrides, "seed=1"]}), RIGHT)
    put(Path("b"), build, build.make_record(run={"overrides": overrides}), RIGHT)
    assert '  run.overrides: ["seed=1"] | []\n' in diff("a", "b")[1]


def test_missing_units_and_missing_labels(build: Any, tmp_path: Path) -> None:
    record = build.make_record()
    a = put(tmp_path / "a", build, record, RIGHT)
    b = put(tmp_path / "b", build, record, ["umbrella", "", "urn", "sky"])
    for name in ("descriptions.csv.gz", "scores/5c0e.units.csv.gz"):
        table = pd.read_csv(b / name)
        table[table["unit"] != 0].to_csv(b / name, index=False)
    found = compare_records((a, record), (b, record))
    assert found.n_units == 4
    assert found.labels[["unit", "truth", "label_a", "label_b"]].to_numpy().tolist() == [
        [0, "umbrella", "umbrella", ""],
        [1, "cow", "cow", ""],
    ]
    assert found.labels["right_b"].isna().tolist() == [True, False]


def test_units_of_other_layers_are_not_compared(build: Any, tmp_path: Path, diff: Run) -> None:
    put(tmp_path / "a", build, build.make_record(), RIGHT)
    put(tmp_path / "b", build, build.make_record(layer="layer4"), FLIPPED)
    code, text = diff("a", "b")
    assert code == 1
    assert "labels: not compared" in text
    assert '  target.layer: "fc" | "layer4"' in text


def test_units_of_other_targets_are_compared_if_they_have_the_same_truth(
    build: Any, tmp_path: Path, diff: Run
) -> None:
    put(tmp_path / "a", build, build.make_record(), RIGHT)
    put(tmp_path / "b", build, build.make_record(target="exported"), FLIPPED)
    code, text = diff("a", "b")
    assert code == 1
    assert "labels: 1 of 4 units differ" in text


def test_scores_without_values_are_equal_whatever_the_reason(build: Any, tmp_path: Path) -> None:
    record = build.make_record()
    folders = []
    for name in ("circular", "no encoder"):
        scores = build.make_scores(0.5)
        scores["scores"]["clip_cosine"] = {
            "value": None, "ci_low": None, "ci_high": None, "n": 0, "n_unlabelled": 0,
            "higher_is_better": True, "reason": name,
        }  # fmt: skip
        tables = {
            "descriptions": build.make_descriptions(),
            "scores": [(scores, build.make_units(0.5))],
        }
        folders.append(write_record(tmp_path / name, record, **tables))
    assert compare_records(*((folder, record) for folder in folders)).is_empty


def test_tables_that_differ_below_the_first_labels_are_named(build: Any, tmp_path: Path) -> None:
    record, described = build.make_record(), build.make_descriptions()
    folders = [
        write_record(tmp_path / name, record, descriptions=described.assign(score=score))
        for name, score in (("a", 0.5), ("b", 0.25))
    ]
    found = compare_records(*((folder, Record.read(folder)) for folder in folders))
    assert [one.name for one in found.settings] == ["tables.descriptions.csv.gz"]
    older = [(folder, replace(Record.read(folder), tables={})) for folder in folders]
    assert compare_records((folders[0], Record.read(folders[0])), older[0]).is_empty


def test_a_failed_record_has_no_labels(build: Any, tmp_path: Path, diff: Run) -> None:
    put(tmp_path / "a", build, build.make_record(), RIGHT)
    error = {"type": "ValueError", "message": "no", "traceback": "..."}
    write_record(tmp_path / "b", build.make_record(status="failed", error=error))
    code, text = diff("a", "b")
    assert code == 1
    assert '  status: "ok" | "failed"' in text
    assert "labels: 4 of 4 units differ" in text


def test_scores_of_other_encoders_stand_side_by_side(build: Any, tmp_path: Path) -> None:
    """The key of a scores file contains the encoder; truth, rules and judge are what counts."""
    record = build.make_record()
    folders = []
    for name, value in (("x", 0.5), ("y", 0.25)):
        content = build.make_scores(value)
        scoring = content["scoring"] | {"clip_text": {"weights": name}}
        scores = (content | {"skey": name, "scoring": scoring}, build.make_units(value))
        descriptions = build.make_descriptions()
        root = tmp_path / name
        folders.append(write_record(root, record, descriptions=descriptions, scores=[scores]))
    found = compare_records(*((folder, record) for folder in folders))
    assert [one.name for one in found.settings] == ["scoring.x.clip_text.weights"]
    row = found.scores.set_index("score").loc["lexical_match"]
    assert (row["scores"], row["a"], row["b"]) == ("x", 0.5, 0.25)
    assert "oracle: lexical_match" not in set(found.scores["score"])  # they are equal
    assert "shuffled: lexical_match" in set(found.scores["score"])


def test_folders_are_compared_cell_by_cell(build: Any, tmp_path: Path, diff: Run) -> None:
    same, changed, gone, new = (build.make_record(name) for name in ("s", "changed", "gone", "new"))
    for record in (same, changed, gone):
        put(tmp_path / "a", build, record, RIGHT)
    put(tmp_path / "b", build, same, RIGHT)
    # Other weights give another key, but the request is the same.
    target = {**changed.target, "fingerprint": {"weights": "other"}}
    put(tmp_path / "b", build, replace(changed, key="0ther", target=target), FLIPPED)
    put(tmp_path / "b", build, new, RIGHT)
    code, text = diff("a", "b")
    assert code == 1
    *lines, total = text.splitlines()
    cells = {re.findall("^clip_dissect ([a-z]+) on", line)[0]: line for line in lines}
    assert cells["changed"].partition(": ")[2] == (
        "1 of 4 labels, 13 of 32 scores, key, target.fingerprint.weights"
    )
    assert cells["gone"].endswith(": only in A")
    assert cells["new"].endswith(": only in B")
    assert len(cells) == len(lines) == 3
    assert sorted(total.removeprefix("cells: ").split(", ")) == [
        "1 different", "1 equal", "1 only in A", "1 only in B"
    ]  # fmt: skip
    assert diff("a", "a") == (0, "cells: 3 equal\n")


def test_records_of_equal_requests_are_paired_once(build: Any, tmp_path: Path) -> None:
    twice = [build.make_record(key="k1"), build.make_record(key="k2")]
    for record in twice:
        put(tmp_path / "a", build, record, RIGHT)
    put(tmp_path / "b", build, build.make_record(key="k2"), RIGHT)
    a, b = (find_records(tmp_path / name).records for name in "ab")
    assert [[one and one[1].key for one in pair] for pair in match_records(a, b)] == [
        ["k1", None],
        ["k2", "k2"],
    ]


def test_archives_and_addresses_in_them(build: Any, tmp_path: Path, diff: Run) -> None:
    for name, labels in (("one", RIGHT), ("two", FLIPPED)):
        put(tmp_path / "r", build, build.make_record(key=f"{name}5", method=name), labels)
    assert main(["pack", "r", "--out", "r.tar.xz"]) == 0
    assert diff("r", "r.tar.xz") == (0, "cells: 2 equal\n")
    code, text = diff("r.tar.xz:one", "r:two/two")
    assert code == 1
    assert text.startswith("A: one one5\nB: two two5\nkeys: different\n")
    assert "labels: 1 of 4 units differ" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere", "r"), "no file or folder 'nowhere'"),
        (("r", "empty"), "there is no record here"),
        (("r", "r:nine"), "no record 'nine'"),
        (("r", "text"), "not an archive of records"),
        (("r", "damaged"), "descriptions.csv.gz"),
    ],
)
def test_wrong_requests(
    build: Any, tmp_path: Path, diff: Run, arguments: tuple[str, str], says: str
) -> None:
    folder = put(tmp_path / "r", build, build.make_record(), RIGHT)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no archive")
    shutil.copytree(tmp_path / "r", tmp_path / "damaged")
    damaged = tmp_path / "damaged" / folder.relative_to(tmp_path / "r") / "descriptions.csv.gz"
    damaged.write_bytes(b"no gzip")
    code, text = diff(*arguments)
    assert code == 2
    assert says in text
    assert "hint: " in text


def test_a_damaged_record_is_no_equal_one(build: Any, tmp_path: Path, diff: Run) -> None:
    for name in ("one", "two"):
        folder = put(tmp_path / "r", build, build.make_record(name), RIGHT)
    assert diff("r", "r")[0] == 0
    (folder / "record.json").write_text("{")
    code, text = diff("r", "r")
    assert code == 1
    assert text.count("left out of ") == 2


def test_hostile_texts_stay_in_their_lines(build: Any, tmp_path: Path, diff: Run) -> None:
    evil = "=x\x1b[31m\r\n| a\u202eb"
    record = build.make_record(environment={evil: evil})
    method = {**record.method, "params": {"similarity": evil}}
    put(tmp_path / "a", build, replace(record, method=method), RIGHT)
    put(tmp_path / "b", build, record, [evil, "cow", "urn", evil])
    put(tmp_path / "b", build, build.make_record("other"), RIGHT)
    for arguments in (("a", "b", "--csv", "c.csv"), ("a", f"b:{record.key}", "--csv", "c.csv")):
        code, text = diff(*arguments)
        assert code == 1
        assert all(sign not in text for sign in ("\x1b", "\r", "\u202e"))
    assert "=x" in text
    table = pd.read_csv("c.csv", keep_default_na=False)
    plain = evil.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd")
    assert list(table["label_b"]) == [f"'{plain}"] * 2
