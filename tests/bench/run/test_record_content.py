"""The state of a cell is read from content: incomplete files are made again, others are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from baselines.clip_dissect import ClipDissect
from bench import api
from bench.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = Path("results/local/clip_dissect")


@pytest.fixture
def folder(here: Path) -> Path:
    [folder] = CELLS.iterdir()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return labels and scores by name; logs and times may differ."""
    files = [folder / "descriptions.csv.gz", *(folder / "scores").iterdir()]
    return {file.name: file.read_bytes() for file in files}


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda file: file.write_bytes(b""),
    "cut short": cut,
}


@pytest.mark.parametrize(
    ("name", "damage"),
    [("*.json", "empty"), ("*.json", "cut short"), ("*.gz", "missing"), ("*.gz", "cut short")],
)
def test_incomplete_scores_are_made_again(
    name: str, damage: str, folder: Path, small: tuple[str, ...], described: list[str]
) -> None:
    before = contents(folder)
    [file] = (folder / "scores").glob(name)
    DAMAGE[damage](file)
    assert list(api.plan(small)["state"]) == ["to score"]
    assert main(["run", *small]) == 0
    assert described == []
    assert contents(folder) == before
    cut(file)
    assert main(["score", str(folder)]) == 0
    assert contents(folder) == before


@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_incomplete_labels_are_made_again_and_keep_scores_and_timings(
    damage: str, folder: Path, small: tuple[str, ...], described: list[str]
) -> None:
    before = contents(folder)
    [timing] = (folder / "timings.jsonl").read_text().splitlines()
    other = folder / "scores" / "other.json"
    other.write_text("{}")
    DAMAGE[damage](folder / "descriptions.csv.gz")
    assert list(api.plan(small)["state"]) == ["to run"]
    assert main(["run", *small]) == 0
    assert described == ["soft_wpmi"]
    other.unlink()
    assert contents(folder) == before
    assert (folder / "timings.jsonl").read_text().splitlines()[0] == timing


def test_labels_that_cannot_be_made_again_cost_no_record(
    folder: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "descriptions.csv.gz").unlink()
    record = (folder / "record.json").read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no neuron in sight")

    monkeypatch.setattr(ClipDissect, "describe", fail)
    assert run() == 1
    assert (folder / "record.json").read_bytes() == record


def test_score_names_the_missing_labels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "descriptions.csv.gz").unlink()
    assert main(["score", str(folder), "scoring.official_labels=true"]) == 2
    said = capsys.readouterr().err
    assert "descriptions.csv.gz: no such file" in said
    assert "hint: run its request again" in said


def newer(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": 2}))


def unreadable(file: Path) -> None:
    """Put a folder there, which not even root can read as a file."""
    file.rename(file.with_name("old"))
    file.mkdir()


def other_fields(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"extra": 1}))


@pytest.mark.parametrize(
    ("change", "word", "message", "hint"),
    [
        (newer, "newer", "schema 2; this version reads 1", "pip install --upgrade"),
        (
            unreadable,
            "unreadable",
            "cannot be read (Is a directory)",
            "make it a file that you may read",
        ),
        (other_fields, "damaged", "unknown fields 'extra'", "move it to another place"),
    ],
)
def test_a_record_that_is_not_torn_is_never_replaced(
    change: Callable[[Path], None],
    word: str,
    message: str,
    hint: str,
    folder: Path,
    small: tuple[str, ...],
    described: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = folder / "record.json"
    change(file)
    before = file.read_bytes() if file.is_file() else b""
    assert main(["run", *small]) == 2
    said = capsys.readouterr().err
    assert "record.json" in said
    assert message in said
    assert hint in said
    assert described == []
    assert (file.read_bytes() if file.is_file() else b"") == before
    [row] = api.plan(small).to_dict("records")
    assert row["state"] == "impossible"
    assert message in row["missing"]
    # The other cells of a sweep run on request.
    sweep = ["--possible", *small, "-m", "method.params.similarity=soft_wpmi,wpmi"]
    assert main(["run", *sweep]) == 0
    assert described == ["wpmi"]
    assert main(["board", "results", "--out", "board"]) == 0
    assert f"- {word}: `local/clip_dissect/{folder.name}`" in Path("board/README.md").read_text()


def test_newer_scores_are_kept(
    folder: Path, small: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    [file] = folder.glob("scores/*.json")
    newer(file)
    before = file.read_bytes()
    for command in (["run", *small], ["score", str(folder)]):
        assert main(command) == 2
        assert "pip install --upgrade" in capsys.readouterr().err
    assert file.read_bytes() == before
    assert main(["board", "results", "--out", "board"]) == 0
    assert "- newer: " in Path("board/README.md").read_text()
