"""The program: dispatch, exit codes, no tracebacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import __version__
from bench.__main__ import COMMANDS, main


@pytest.mark.parametrize("asks", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(asks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(asks) == 0
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n  {command} " in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bord"]) == 2
    assert "board" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "method=clip_disect"], ["clip_dissect", "dissectbench list methods"]),
        (["run", "--nonsense"], ["--nonsense", "dissectbench run --help"]),
        (["list", "methds"], ["methods"]),
        (["score", "nowhere"], ["nowhere", "no such file"]),
        (["score", "x", "probe=glyphs_half"], ["decides the labels", "dissectbench run"]),
        (["train", "glyphs", "--parts", "all"], ["dissectbench train glyphs --help"]),
    ],
)
def test_a_wrong_request_exits_with_2_and_no_traceback(
    arguments: list[str], says: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    for part in says:
        assert part in error


def test_debug_lets_the_traceback_through() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", "method=clip_disect", "--debug"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_works_where_folders_shadow_our_names(tmp_path: Path) -> None:
    for name in ("conf", "bench_", "metrics_"):
        (tmp_path / name).mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("not: ours\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("dissectbench"), "run", "--cfg"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "clip_dissect" in done.stdout
