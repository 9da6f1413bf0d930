"""Jobs through Hydra's basic launcher: records on disk, and nothing left lying about."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = ("probe.params.size=40", "board=few")


def test_a_sweep_leaves_records_and_nothing_else(here: Path, run: Callable[..., int]) -> None:
    command, directory = list(sys.argv), Path.cwd()
    assert run(*FEW, "-m", "seed=1,2", "runtime.batch_size=16") == 0
    assert (sys.argv, Path.cwd()) == (command, directory)
    assert [path.name for path in here.iterdir()] == ["results"]
    assert {path.name for path in Path("results").iterdir()} == {".cache", ".jobs", "few", "local"}
    # The list of jobs is gone; what Hydra notes of its sweep may stay.
    assert {path.name for path in Path("results/.jobs").iterdir()} <= {"multirun.yaml"}
    found = Path("results/few/clip_dissect").glob("*/record.json")
    records = [json.loads(path.read_text()) for path in found]
    assert sorted(record["seed"] for record in records) == [1, 2]
    for record in records:
        assert record["run"]["batch_size"] == 16
        assert f"seed={record['seed']}" in record["run"]["overrides"]


def test_users_folders_of_our_names_do_not_shadow_ours(here: Path, run: Callable[..., int]) -> None:
    for name in ("conf", "bench", "metrics"):
        Path(name).mkdir()
    Path("conf/config.yaml").write_text("not: ours\n")
    Path("conf/job.yaml").write_text("not: ours\n")
    assert run(*FEW) == 0
    assert {path.name for path in here.iterdir()} == {"conf", "bench", "metrics", "results"}
    assert len(list(Path("results/few/clip_dissect").iterdir())) == 1


def test_the_cache_folder_of_the_environment_is_used(
    here: Path, tmp_path: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("results/.cache").rename(tmp_path / "shared")
    monkeypatch.setenv("DISSECTBENCH_CACHE", str(tmp_path / "shared"))
    assert run("board=few", "results=others") == 0
    assert {path.name for path in Path("others").iterdir()} == {".jobs", "few"}
    [timings] = Path("others/few").rglob("timings.jsonl")
    phases = json.loads(timings.read_text())["phases"]
    assert {p["name"]: p["cached"] for p in phases if p["name"] in ("gather", "text")} == {
        "gather": True, "text": True,
    }  # fmt: skip


@pytest.mark.parametrize("similarity", ["soft_wpmi", "rank_reorder"])
def test_the_log_names_what_ran(
    similarity: str, here: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("board=few", f"method.params.similarity={similarity}") == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"[1/1] clip_dissect {similarity} | glyphs scenes fc | ")
    assert "glyphs val (48)" in line
