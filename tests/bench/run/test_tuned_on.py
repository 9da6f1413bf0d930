"""`tuned_on=dev`: said in the record, not in the key, and never lost in silence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dissectbench
from bench.__main__ import main
from leaderboards.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

TUNED = "tuned_on=dev"


def folder_of(board: str) -> Path:
    [folder] = Path("results", board, "clip_dissect").iterdir()
    return folder


def test_the_record_says_it_and_the_key_does_not(here: Path, run: Callable[..., int]) -> None:
    assert run(TUNED, "board=tuned") == 0
    record, plain = Record.read(folder_of("tuned")), Record.read(folder_of("local"))
    assert record.method == {**plain.method, "tuned_on": "dev"}
    assert record.key == plain.key
    [table] = dissectbench.load_board("results/tuned").tables
    n = int(plain.target["units"])
    rest = n - len(dissectbench.development_units(plain.target["layer"], n))
    assert [row.scores["accuracy_at_1"].n for row in table.methods] == [rest]
    # Without the claim, a finished record keeps its own.
    assert run("board=tuned") == 0
    assert Record.read(folder_of("tuned")) == record


def test_a_finished_record_that_does_not_say_it_is_not_taken_for_one(
    here: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder_of("local") / "record.json").read_bytes()
    assert run(TUNED) == 2
    assert "exists and does not say tuned_on=dev" in capsys.readouterr().err
    assert (folder_of("local") / "record.json").read_bytes() == before


def test_other_units_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "tuned_on=test"]) == 2
    assert "tuned_on: unknown units 'test'" in capsys.readouterr().err


def test_imported_labels_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("labels.csv").write_text("unit,label\n0,tench\n1,goldfish\n")
    words = ["labels.csv", "--method", "mine", "--target", "resnet50_imagenet", "--layer", "fc"]
    words += ["--vocabulary", "concept-set", "scoring.sentence.name=none"]
    assert main(["import", *words, "--tuned-on", "dev"]) == 0
    [folder] = Path("results/imported/mine").iterdir()
    assert Record.read(folder).method["tuned_on"] == "dev"
    [table] = dissectbench.load_board(folder).tables
    assert table.methods[0].scores["accuracy_at_1"].n == 1  # unit 0 is for development
    assert main(["import", *words]) == 0
    assert main(["import", *words, "--board", "plain"]) == 0
    assert main(["import", *words, "--board", "plain", "--tuned-on", "dev"]) == 2
