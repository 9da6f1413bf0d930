"""Timing a finished cell again: medians of whole runs, and nothing else changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from baselines.clip_dissect import ClipDissect
from bench.__main__ import main
from bench.run import timed_run
from bench.run.retime import combine

if TYPE_CHECKING:
    from pathlib import Path


def phase(name: str, wall: float, peak: int | None = None) -> dict[str, object]:
    return {
        "name": name,
        "wall_s": wall,
        "device_s": None if peak is None else wall / 2,
        "peak_device_bytes": peak,
        "peak_host_bytes": 10,
        "items": 3,
        "cached": False,
    }


def test_medians_with_their_spread() -> None:
    runs = [[phase("gather", w, 7), phase("match", 10 * w)] for w in (3.0, 1.0, 8.0)]
    runs[1][0]["peak_device_bytes"] = 9
    gather, match = combine(runs)
    assert (gather["wall_s"], gather["wall_min_s"], gather["wall_max_s"]) == (3.0, 1.0, 8.0)
    assert (gather["device_s"], gather["peak_device_bytes"]) == (1.5, 9)
    assert (match["wall_s"], match["device_s"], match["peak_device_bytes"]) == (30.0, None, None)


def test_runs_of_other_phases_are_no_repeats() -> None:
    with pytest.raises(ValueError, match="zip"):
        combine([[phase("gather", 1.0)], []])


@pytest.mark.parametrize("in_new_process", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_finished_cell_is_timed_from_an_empty_cache(
    in_new_process: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ["run", "probe.params.size=24", "concepts=glyphs_objects"]
    request += [f"results={tmp_path}", "board=times", "runtime.progress=false"]
    assert main(request) == 0
    [folder] = (tmp_path / "times" / "clip_dissect").iterdir()
    if not in_new_process:  # which is for processes that have run a cell
        monkeypatch.setattr(timed_run, "_cells", 0)
    before = {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    assert main([*request, "runtime.retime=true", "runtime.repeats=2"]) == 0
    changed = {f.name for f in folder.rglob("*") if f.is_file() and f.read_bytes() != before.get(f)}
    assert changed == {"timings.jsonl"}
    first, second = map(json.loads, (folder / "timings.jsonl").read_text().splitlines())
    assert (first["repeats"], second["repeats"]) == (1, 2)
    assert second["earlier_cells"] == 0
    assert (timed_run.earlier_cells() == 1) is not in_new_process
    assert not any(p["cached"] for p in second["phases"])
    assert next(p["name"] for p in second["phases"]) == "gather"
    assert {"gather", "text", "match"} <= {p["name"] for p in second["phases"]}


def test_a_cell_that_cannot_be_timed_again_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    request = ["run", "probe.params.size=24", "concepts=glyphs_objects"]
    request += [f"results={tmp_path}", "board=times", "runtime.progress=false"]
    assert main(request) == 0
    monkeypatch.setattr(timed_run, "_cells", 0)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the fan stopped")

    monkeypatch.setattr(ClipDissect, "describe", fail)
    assert main([*request, "runtime.retime=true"]) == 1
    shown = capsys.readouterr()
    assert "not timed again" in shown.out
    assert "the fan stopped" in shown.err
