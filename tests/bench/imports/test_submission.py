"""Submissions: all faults at once, each with a hint; records that say who made the labels."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bench.__main__ import main
from bench.imports.submission import read_submission
from leaderboards.board import load_board
from leaderboards.pages.render import render_scores
from leaderboards.record import Record
from leaderboards.record_tables import read_descriptions
from leaderboards.storage import write_record
from leaderboards.verified_labels import read_verification

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("tench", "goldfish", "great white shark", "hen")
COMPLETE: dict[str, Any] = {
    "method": "mine",
    "version": "1.0",
    "authors": ["Ada Lovelace", "Charles Babbage"],
    "link": "https://example.org/paper",
    "licence": "CC-BY-4.0",
    "hardware": "1 x A100",
    "given": "captions",
    "vocabulary": "concept set",
    "labels": [{"file": "fc.csv", "target": "my_net", "layer": "fc", "units": 4}],
}


@pytest.fixture(autouse=True)
def homes(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders for hashes of files and for embeddings: not the user's own."""
    for name in ("DISSECTBENCH_HOME", "DISSECTBENCH_CACHE"):
        monkeypatch.setenv(name, str(tmp_path_factory.mktemp("home")))


def put(folder: Path, table: str = "", **changes: Any) -> Path:
    """A submission with some keys changed; None deletes one."""
    data = {**copy.deepcopy(COMPLETE), **changes}
    folder.mkdir()
    text = yaml.safe_dump({name: value for name, value in data.items() if value is not None})
    (folder / "submission.yaml").write_text(text)
    lines = "".join(f"{unit},{name}\n" for unit, name in enumerate(CLASSES))
    (folder / "fc.csv").write_text(table or f"unit,label\n{lines}")
    return folder


def faults(folder: Path) -> list[str]:
    return [str(fault) for fault in read_submission(folder).faults]


def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["submit-check", str(folder)])
    return code, capsys.readouterr().out


def test_a_complete_submission_has_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = check(put(tmp_path / "s"), capsys)
    assert code == 0
    assert text.endswith("s: complete, 1 file of labels for 4 units\n")


def test_all_faults_are_listed_at_once_with_hints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = "unit,label\n0,tench\n0,carp\nx,hen\n9,owl\n1,\n"
    entries = [*COMPLETE["labels"], {"file": "../other.csv", "target": "my_net"}, "fc.csv"]
    folder = put(
        tmp_path / "s", table, licence=None, authors="Ada", link="example", autors=["x"],
        method="a/b", vocabulary="words", tuned_on="test", version=1.0, labels=entries,
    )  # fmt: skip
    code, text = check(folder, capsys)
    assert code == 1
    for fault in (
        "licence is missing",
        "unknown key 'autors'",
        "nearest: authors",
        "authors 'Ada' is not a list",
        "version 1.0 is not a text",
        "link 'example' is not an address",
        "method name 'a/b' cannot be part of a path",
        "unknown vocabulary 'words'",
        "tuned_on: unknown units 'test'",
        "fc.csv:3: unit 0 appears twice",
        "fc.csv:4: unit 'x' is not a whole number",
        "fc.csv:5: unit 9 is unknown",
        "labels[1]: layer is missing",
        "labels[2]: 'fc.csv' is not a mapping",
    ):
        assert fault in text, fault
    found = read_submission(folder).faults
    assert all(fault.hint for fault in found)
    assert f"{len(found)} faults" in text
    assert len(found) == 13


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"units": 0}, "invalid number of units 0"),
        ({"units": None}, "unknown target 'my_net'"),
        ({"layer": 4}, "layer 4 is not a text"),
        ({"columns": ["unit"]}, "columns ['unit'] are not a mapping"),
        ({"columns": {"lable": "label"}}, "unknown column 'lable'"),
        ({"columns": {"label": 3}}, "column label 3 is not a text"),
        ({"columns": {"first_unit": 2}}, "invalid first_unit 2"),
        ({"columns": {"label": "name"}}, "the table has no column 'name'"),
        ({"file": "none.csv"}, "none.csv"),
        ({"file": "../outside.csv"}, "'../outside.csv' is outside of the folder"),
        ({"extra": 1}, "unknown key 'extra'"),
    ],
)
def test_faults_of_a_file(entry: dict[str, Any], fault: str, tmp_path: Path) -> None:
    [one] = COMPLETE["labels"]
    (tmp_path / "outside.csv").write_text("unit,label\n0,a\n")
    [found] = faults(put(tmp_path / "s", labels=[{**one, **entry}]))
    assert fault in found
    assert "hint: " in found


def test_a_layer_is_submitted_once(tmp_path: Path) -> None:
    [found] = faults(put(tmp_path / "s", labels=COMPLETE["labels"] * 2))
    assert "have labels of the same layer fc" in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("method: [", "submission.yaml:1: not readable as YAML"),
        ("- a", "not a mapping"),
        ("method: !!python/object/apply:os.system [id]", "not readable as YAML"),
        (None, "there is no submission.yaml"),
    ],
)
def test_a_file_that_is_no_submission(
    text: str | None, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "submission.yaml").write_text(text)
    code, shown = check(tmp_path, capsys)
    assert code == 1
    assert fault in shown
    assert "1 fault\n" in shown


def test_no_folder_is_a_wrong_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit-check", str(tmp_path / "none")]) == 2
    assert "no folder" in capsys.readouterr().err


def import_to(folder: Path, results: Path, *more: str) -> int:
    truth = folder.parent / "classes.txt"
    truth.write_text("\n".join(CLASSES) + "\n")
    settings = (
        "target.truth.name=class_list", f"target.truth.params.path={truth}",
        "scoring.sentence.name=none",
    )  # fmt: skip
    words = ("--board", "b", "--results", str(results), *more)
    return main(["import", str(folder), *settings, *words])


def test_a_submission_is_imported_with_its_metadata_and_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, results = put(tmp_path / "s"), tmp_path / "r"
    assert import_to(folder, results) == 0
    [made] = (results / "b" / "mine").iterdir()
    method = Record.read(made).method
    assert method["version"] == "1.0"
    assert method["submission"] == {
        "authors": COMPLETE["authors"], "link": COMPLETE["link"], "licence": "CC-BY-4.0",
        "hardware": "1 x A100",
    }  # fmt: skip
    page = render_scores(load_board([made]))["README.md"].decode()
    assert ": Ada Lovelace, Charles Babbage; https://example.org/paper" in page
    assert "licence CC-BY-4.0; hardware 1 x A100" in page
    assert load_board([made]).results["verified"].isna().all()

    table = read_descriptions(made)
    run = replace(Record.read(made), key="run1", origin="measured")
    own = write_record(tmp_path / "own", run, descriptions=table, scores=[])
    other = replace(run, key="run2", target={**run.target, "layer": "other"})
    unrelated = write_record(tmp_path / "own", other, descriptions=table, scores=[])
    records = ("--verified-by", str(unrelated), "--verified-by", str(own))
    assert import_to(folder, results, *records) == 0
    found = read_verification(made)
    assert found is not None
    assert (found.record, found.equal, found.units) == ("run1", 4, 4)
    board = load_board([made])
    files = render_scores(board)
    assert "| imported, verified |" in files["board.md"].decode()
    assert "4 of 4 first labels are those of record run1" in files["README.md"].decode()
    rows = board.results
    assert set(rows[rows["kind"] == "method"]["verified"]) == {1.0}
    assert set(rows[rows["kind"] == "control"]["verified"].dropna()) == set()

    same = table.assign(label=["Tench "] * 4)
    worse = write_record(tmp_path / "worse", run, descriptions=same, scores=[])
    before = board.score_hash
    assert import_to(folder, results, "--verified-by", str(worse)) == 0
    board = load_board([made])
    assert board.score_hash != before
    assert "verified |" not in render_scores(board)["board.md"].decode()
    assert set(board.results["verified"].dropna()) == {0.25}

    capsys.readouterr()
    assert import_to(folder, results, "--verified-by", str(made)) == 2
    assert "is no finished run" in capsys.readouterr().err
    assert import_to(folder, results, "--verified-by", str(unrelated)) == 2
    assert "no record has the layer fc with 4 units" in capsys.readouterr().err


def test_import_refuses_faulty_submissions_and_options_that_they_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_to(put(tmp_path / "s", licence=None), tmp_path / "r") == 2
    assert "submit-check" in capsys.readouterr().err
    assert import_to(put(tmp_path / "t"), tmp_path / "r", "--layer", "fc") == 2
    assert "--layer: a submission says this" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
    assert main(["import", str(tmp_path / "t" / "fc.csv"), "--layer", "fc"]) == 2
    assert "required: --method, --target" in capsys.readouterr().err
