"""Options that every comparison reads: refused before anything is measured."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from bench.speed.keep import parse


def options() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    made.add_argument("--device", default="cpu")
    made.add_argument("--workers", type=int, default=2)
    made.add_argument("--loop-units", type=int, default=1)
    made.add_argument("--out", type=Path, required=True)
    return made


def test_the_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    assert parse(options(), ["--out", str(tmp_path / "a" / "b")]).out == tmp_path / "a" / "b"
    assert not list((tmp_path / "a" / "b").iterdir())


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        parse(options(), ["--out", str(tmp_path / "file")])
    assert "--out: " in capsys.readouterr().err


def test_sizes_are_numbers_from_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(options(), ["--workers", "0", "--out", str(tmp_path)]).workers == 0
    with pytest.raises(SystemExit):
        parse(options(), ["--loop-units", "0", "--out", str(tmp_path)])
    assert "--loop-units is a number from 1" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        parse(options(), ["--device", "cuda:0", "--out", str(tmp_path)])
    assert "torch sees no CUDA device" in capsys.readouterr().err
