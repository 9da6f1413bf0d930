"""A cell that fails leaves a record that says why, is passed over, and runs again on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from baselines.clip_dissect import ClipDissect
from bench.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WPMI = "method.params.similarity=wpmi"
CELLS = Path("results/local/clip_dissect")


class Break:
    """A method that raises, and counts how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.sound = ClipDissect.describe

    def patch(self, monkeypatch: pytest.MonkeyPatch, similarity: str = "wpmi") -> None:
        def describe(method: ClipDissect, *arguments: Any, **named: Any) -> Any:
            if method.similarity != similarity:
                return self.sound(method, *arguments, **named)
            self.calls += 1
            raise RuntimeError("no neuron in sight")

        monkeypatch.setattr(ClipDissect, "describe", describe)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Break]:
    """wpmi raises while this lasts."""
    method = Break()
    with monkeypatch.context() as patch:
        method.patch(patch)
        yield method


def records() -> dict[str, dict[str, Any]]:
    """Every record by its similarity."""
    found = [json.loads((folder / "record.json").read_text()) for folder in CELLS.iterdir()]
    return {record["method"]["params"]["similarity"]: record for record in found}


def test_the_record_of_a_failure_says_why(
    here: Path, run: Callable[..., int], broken: Break, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(WPMI) == 1
    record = records()["wpmi"]
    assert record["status"] == "failed"
    assert record["error"]["type"] == "RuntimeError"
    assert record["error"]["message"] == "no neuron in sight"
    assert record["error"]["traceback"].startswith("Traceback")
    assert "in describe" in record["error"]["traceback"]
    folder = CELLS / record["key"]
    assert {path.name for path in folder.iterdir()} == {"record.json", "run.log", "config.yaml"}
    assert "no neuron in sight" in (folder / "run.log").read_text()
    said = capsys.readouterr()
    assert "1 failed" in said.out
    assert f"failed: {folder}: no neuron in sight" in said.out
    assert "runtime.retry_failed=true" in said.out
    assert "Traceback" not in said.out + said.err


def test_a_failed_cell_is_passed_over_until_asked_for(
    here: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    method = Break()
    with monkeypatch.context() as patch:
        method.patch(patch)
        assert run(WPMI) == 1
        assert run(WPMI) == 1
        assert method.calls == 1
        assert run(WPMI, "runtime.retry_failed=true") == 1
        assert method.calls == 2
    assert run(WPMI) == 1  # mended, and still nobody asked
    assert records()["wpmi"]["status"] == "failed"
    assert run(WPMI, "runtime.retry_failed=true") == 0
    record = records()["wpmi"]
    assert (record["status"], record["error"]) == ("ok", None)
    assert (CELLS / record["key"] / "descriptions.csv.gz").is_file()
    assert len(list((CELLS / record["key"]).glob("scores/*.json"))) == 1
    assert not [path for path in CELLS.iterdir() if path.name.startswith(".")]
    assert run(WPMI) == 0


def test_a_failure_stops_neither_the_sweep_nor_the_board(
    here: Path, run: Callable[..., int], broken: Break, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-m", "method.params.similarity=wpmi,soft_wpmi,cos_similarity") == 1
    assert "3 cells: 2 done, 1 failed" in capsys.readouterr().out
    assert {name: record["status"] for name, record in records().items()} == {
        "wpmi": "failed", "soft_wpmi": "ok", "cos_similarity": "ok",
    }  # fmt: skip
    assert main(["board", "results", "--out", "board"]) == 0
    assert "failed" in Path("board/README.md").read_text() + Path("board/board.md").read_text()


def test_layers_done_before_a_failure_stay_done(
    here: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = ClipDissect.describe

    def describe(method: ClipDissect, evidence: Any, **named: Any) -> Any:
        if evidence.activations.shape[1] == 512:
            return sound(method, evidence, **named)
        raise RuntimeError("only layer4 is welcome")

    monkeypatch.setattr(ClipDissect, "describe", describe)
    assert run(WPMI, "target.layers=[layer4,fc]") == 1
    found = [json.loads((folder / "record.json").read_text()) for folder in CELLS.iterdir()]
    states = {
        record["target"]["layer"]: record["status"]
        for record in found
        if record["method"]["params"]["similarity"] == "wpmi"
    }
    assert states == {"layer4": "ok", "fc": "failed"}


def test_an_unreadable_image_fails_the_cell_and_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("images").mkdir()
    Path("images/torn.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    own = ["target=glyphs_scenes", "concepts=glyphs_scenes", "board=torn", "probe=folder"]
    own += ["encoder=glyphs", "probe.params.path=images", "runtime.progress=false"]
    assert main(["run", *own]) == 1
    said = capsys.readouterr()
    assert "torn.png" in said.out
    assert "Traceback" not in said.out + said.err
    [folder] = Path("results/torn/clip_dissect").iterdir()
    assert json.loads((folder / "record.json").read_text())["error"]["type"] == "UserError"


def test_score_passes_a_failed_record_over(
    here: Path, run: Callable[..., int], broken: Break, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(WPMI) == 1
    folder = CELLS / records()["wpmi"]["key"]
    assert main(["score", str(folder), "scoring.official_labels=true"]) == 0
    assert "skipped, its run failed" in capsys.readouterr().out
    assert not (folder / "scores").exists()


def test_a_device_that_is_not_there_blocks_no_cell(
    here: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        assert run(WPMI, "runtime.device=cuda") == 2
    assert set(records()) == {"soft_wpmi"}
    assert run(WPMI, "runtime.device=cpu") == 0
