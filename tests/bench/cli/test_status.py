"""`status` reads from the disk how far the latest sweep has come."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main
from bench.cli import status
from bench.config.compose import expand
from bench.run.claims import Claims
from bench.run.history import MEASURED, Estimate
from bench.run.predict import Prediction
from bench.run.survey import plan
from bench.run.sweeps import FOLDER, read_progress, write_sweep
from leaderboards.record import Record
from leaderboards.timings import append_timing

if TYPE_CHECKING:
    from bench.run.plan import JobPlan

REQUEST = ("probe.params.size=20,30,40", "results=out", "target.layers=[fc]")


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[JobPlan]:
    """Return three planned jobs with a forecast of 10 s each, written as a sweep."""
    monkeypatch.chdir(tmp_path)
    found = plan(expand(REQUEST, multirun=True))
    match = {"match": Estimate(10.0, 5.0, 20.0, MEASURED)}
    write_sweep(found, [Prediction(one, match) for one in found], [1000] * 3)
    return found


def claim(job: JobPlan, renewed: float) -> None:
    folder = job.cells[0].folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"host": "node7 x y", "pid": 42, "renewed": f"{renewed:.3f}"})
    folder.with_name(f".{folder.name}.claim").write_text(text, encoding="utf-8")


def finish(job: JobPlan, *, failed: bool = False) -> None:
    """Write a finished or failed cell, which took 30 s."""
    cell = job.cells[0]
    record = Record(
        key=cell.key,
        board="local",
        status="failed" if failed else "ok",
        origin="measured",
        method={"name": "clip_dissect", "given": "none", "vocabulary": "concept set"},
        target={"name": "glyphs"},
        probe={"name": "glyphs", "n": 1},
        concepts={"name": "glyphs"},
        encoder={},
        seed=0,
        error={"type": "E", "message": "bad", "traceback": ""} if failed else None,
    )
    scores = cell.folder / "scores"
    scores.mkdir(parents=True)
    (cell.folder / "record.json").write_text(record.to_json(), encoding="utf-8")
    (scores / f"{cell.skey}.json").write_text("{}", encoding="utf-8")
    phase = {"name": "match", "wall_s": 30.0, "cached": False, "peak_host_bytes": 5}
    append_timing(cell.folder, {"phases": [phase]})


@pytest.fixture
def by_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a cell's state from the names of its files."""
    from bench.run.plan import Cell, State

    def state(cell: Cell) -> State:
        if not (cell.folder / "record.json").is_file():
            return State.TO_RUN
        return State.FAILED if Record.read(cell.folder).status == "failed" else State.DONE

    monkeypatch.setattr(Cell, "read_state", state)


def test_cells_are_counted_by_state(
    jobs: list[JobPlan], by_files: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "out", "--once"]) == 1
    assert "3 cells: 3 waiting" in capsys.readouterr().out
    finish(jobs[0])
    claim(jobs[1], time.time())
    claim(jobs[2], time.time() - 1000)  # of a process that is gone
    assert main(["status", "out", "--once"]) == 1
    shown = capsys.readouterr().out
    assert "3 cells: 1 done, 1 running, 1 waiting" in shown
    assert "node7, process 42" in shown
    finish(jobs[1])
    finish(jobs[2], failed=True)
    assert main(["status", "out"]) == 1
    assert "3 cells: 2 done, 1 failed" in capsys.readouterr().out


def test_a_sweep_whose_processes_have_ended_is_stopped(
    jobs: list[JobPlan], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(status, "_EVERY_S", 0.0)
    [file] = Path("out", FOLDER).iterdir()
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    content = json.loads(head)
    content["process"]["pid"] = 2**22 + 1
    file.write_text("\n".join([json.dumps(content), *lines]), encoding="utf-8")
    with Claims() as claims:  # by another sweep with the same cells
        assert claims.take(jobs[0].cells[0].folder)
        assert main(["status", "out", "--once"]) == 1
        assert "3 cells: 1 running, 2 waiting\nelapsed" in capsys.readouterr().out
        killed = content["process"] | {"token": "", "renewed": str(time.time())}
        left = jobs[1].cells[0].folder.with_name(f".{jobs[1].cells[0].folder.name}.claim")
        left.write_text(json.dumps(killed), encoding="utf-8")
    assert main(["status", "out"]) == 1  # it does not wait
    shown = capsys.readouterr().out
    assert "3 cells: 3 waiting\nstopped: " in shown
    assert "run the same request again" in shown
    assert left.exists()


def test_a_record_that_cannot_be_read_is_listed(
    jobs: list[JobPlan], capsys: pytest.CaptureFixture[str]
) -> None:
    (jobs[0].cells[0].folder / "record.json").mkdir(parents=True)
    assert main(["status", "out", "--once"]) == 1
    shown = capsys.readouterr().out
    assert "3 cells: 2 waiting, 1 impossible" in shown
    assert "impossible: out/local/clip_dissect/" in shown


def test_a_list_of_cells_that_is_cut_short_is_named(
    jobs: list[JobPlan], capsys: pytest.CaptureFixture[str]
) -> None:
    [file] = Path("out", FOLDER).iterdir()
    for text in ("", file.read_text(encoding="utf-8")[:-9]):
        file.write_text(text, encoding="utf-8")
        assert main(["status", "out", "--once"]) == 2
        assert f"{file}: this list of a sweep's cells cannot be read" in capsys.readouterr().err


def test_the_end_shows_the_forecast_beside_what_was_measured(
    jobs: list[JobPlan], by_files: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for job in jobs:
        finish(job)
    assert main(["status", "out", "--cells"]) == 0
    shown = capsys.readouterr().out
    assert "took" in shown
    [row] = [line.split() for line in shown.splitlines() if line.startswith("match")]
    assert row == ["match", "30", "s", "15", "s", "-", "60", "s", "90", "s"]


def test_what_remains_follows_forecast_and_pace(jobs: list[JobPlan], by_files: None) -> None:
    assert read_progress(Path("out")).remaining == pytest.approx(30.0)
    [file] = Path("out", FOLDER).iterdir()
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    started = {**json.loads(head), "started": time.time() - 40.0}
    file.write_text("\n".join([json.dumps(started), *lines]), encoding="utf-8")
    finish(jobs[0])
    # A job of 10 s took 40 s, so that two take 80 s.
    assert read_progress(Path("out")).remaining == pytest.approx(80.0, rel=0.05)


def test_a_run_writes_its_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.run import launch

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "execute_jobs", lambda *_, **__: None)
    planned = plan(expand([*REQUEST[1:], "probe.params.size=20"]))
    assert launch.launch(planned, []) == 1
    progress = read_progress(Path("out"))
    assert progress.counts() == {"waiting": 1}
    assert progress.jobs[0].disk > 0


def test_a_folder_without_a_sweep_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", str(tmp_path)]) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "no sweep was started here" in message
    assert "not one that only gathers evidence (runtime.share)" in message
    assert main(["status", str(tmp_path / "none")]) == 2
    assert "there is no such folder" in capsys.readouterr().err
