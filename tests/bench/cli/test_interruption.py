"""Ctrl-C and SIGTERM: no traceback, an exit code, no process left."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cli.interruption import interruptible
from bench.run import worker

ROOT = Path(__file__).parents[3]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("number", CODES)
def test_a_signal_during_an_import_ends_the_command(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted_import(_name: str) -> None:
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        except KeyboardInterrupt as error:
            raise ImportError("a compiled module could not be loaded") from error

    handlers = [signal.getsignal(each) for each in CODES]
    monkeypatch.setattr(importlib, "import_module", interrupted_import)
    assert main(["list"]) == CODES[number]
    assert capsys.readouterr().err == "dissectbench: interrupted; finished cells are kept\n"
    assert [signal.getsignal(each) for each in CODES] == handlers


def test_the_exit_code_is_ours_after_an_interrupted_eval(tmp_path: Path) -> None:
    interrupted = "(os.kill(os.getpid(), signal.SIGTERM), time.sleep(5))"
    (tmp_path / "eval_interrupted.py").write_text(
        "import os, signal, sys, time; from bench import __main__ as program\n"
        f"program.importlib.import_module = lambda _: eval('{interrupted}')\n"
        "sys.exit(program.main(['list']))"
    )
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = subprocess.run(
        [sys.executable, "-m", "eval_interrupted"],
        env={**os.environ, "PYTHONPATH": path}, check=False,
    )  # fmt: skip
    assert done.returncode == 143


PROGRAM = """
import time
from pathlib import Path
from joblib import Parallel, delayed
from bench.cli.interruption import interruptible
from bench.run import worker

def write(number):
    while True:
        Path(f"{number}.txt").write_text(str(time.time()))
        time.sleep(0.01)

with interruptible() as interruption:
    try:
        Parallel(2, backend="loky")(delayed(write)(number) for number in range(2))
    except KeyboardInterrupt:
        raise SystemExit(interruption.exit_code)
"""


@pytest.mark.parametrize("number", CODES)
def test_joblib_workers_end_with_the_command(number: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    end = time.monotonic() + 60
    while len(list(tmp_path.glob("*.txt"))) < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == CODES[number]
    assert "Traceback" not in errors
    files = {path: path.read_text() for path in tmp_path.glob("*.txt")}
    time.sleep(0.2)
    assert {path: path.read_text() for path in files} == files


def test_a_worker_ends_after_its_parent_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing.current_process(), "name", "LokyProcess-1")
    reader, writer = os.pipe()
    parent = os.fork()
    if not parent:
        if not os.fork():
            worker._end_with_parent.__wrapped__()
            os.write(writer, b".")
        time.sleep(10)
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    started = time.monotonic()
    assert os.read(reader, 1) == b""  # the worker has ended, too
    assert time.monotonic() - started < 8
    os.close(reader)


def test_a_forked_child_ends_by_the_signal() -> None:
    reader, writer = os.pipe()
    with interruptible():
        child = os.fork()
        if not child:
            os.write(writer, b".")
            time.sleep(10)
            os._exit(0)
        os.read(reader, 1)  # Python drops signals that arrive during the fork
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM


@pytest.mark.parametrize("arguments", ["--help", "--version", "list methods", "list --help"])
def test_a_closed_pipe_is_no_error(arguments: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments.split()],
        stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_for_the_output_is_named() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bench", "--help"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("dissectbench: no space is left on the disk")
