"""The table of benchmarks: options are checked first, and pages follow from records."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import torch

from bench.speed import page
from bench.speed.benchmarks import SUMMARIES, benchmark_of, parse, render


def options() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    made.add_argument("--device", default="cpu")
    made.add_argument("--workers", type=int, default=2)
    made.add_argument("--loop-units", type=int, default=1)
    made.add_argument("--out", type=Path, required=True)
    return made


def test_the_folder_is_created_and_left_empty(tmp_path: Path) -> None:
    assert parse(options(), ["--out", str(tmp_path / "a" / "b")]).out == tmp_path / "a" / "b"
    assert not list((tmp_path / "a" / "b").iterdir())


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        parse(options(), ["--out", str(tmp_path / "file")])
    assert "--out: " in capsys.readouterr().err


def test_sizes_must_be_positive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(options(), ["--workers", "0", "--out", str(tmp_path)]).workers == 0
    with pytest.raises(SystemExit):
        parse(options(), ["--loop-units", "0", "--out", str(tmp_path)])
    assert "--loop-units must be at least 1, got 0" in capsys.readouterr().err


def test_a_missing_gpu_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        parse(options(), ["--device", "cuda:0", "--out", str(tmp_path)])
    assert "torch finds no CUDA device" in capsys.readouterr().err


TEMPLATE = """\
# Costs on {where}

Medians of {repeats},
with {names:list}.

| part | seconds | ratio | memory |
| :-- | --: | --: | --: |
rows: | {part} | {ours_s:.1f} | **{plain_s*2/ours_s:.1f}x** | {ours_bytes:size} |

| nothing |
| :-- |
none: | {part} |
"""


def test_a_template_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PAGES", tmp_path)
    (tmp_path / "costs.md").write_text(TEMPLATE)
    rows = [
        {"part": "tally", "ours_s": 0.5, "plain_s": 2.0, "ours_bytes": 3_000_000},
        {"part": "method", "ours_s": 1.0, "plain_s": None},
    ]
    record = {"where": "a CPU", "repeats": 3, "names": ["a", "b"], "rows": rows, "none": []}
    assert page.fill("costs", record) == (
        "# Costs on a CPU\n\nMedians of 3, with a, b.\n\n"
        "| part | seconds | ratio | memory |\n| :-- | --: | --: | --: |\n"
        "| tally | 0.5 | **8.0x** | 3 MB |\n"
        "| method | 1.0 | — | — |\n"
    )


RECORDS = Path(__file__).resolve().parents[3] / "leaderboards" / "speed"


@pytest.mark.parametrize("file", sorted(RECORDS.glob("*.md")), ids=lambda file: file.stem)
def test_committed_pages_follow_from_their_records(file: Path) -> None:
    record = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert file.read_text(encoding="utf-8") == render(benchmark_of(file), record)


def test_every_benchmark_has_a_committed_page() -> None:
    assert {benchmark_of(page) for page in RECORDS.glob("*.md")} == set(SUMMARIES)
