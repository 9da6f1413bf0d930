"""A run with `runtime.offline=true`: nothing asks for a connection."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def asked(monkeypatch):
    """Who asked for a connection, in spite of all."""
    calls = []

    def refuse(*args, **_named):
        calls.append(args)
        raise AssertionError(f"a socket was opened: {args}")

    for owner, name in (
        (socket.socket, "connect"), (socket.socket, "connect_ex"),
        (socket, "create_connection"), (socket, "getaddrinfo"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, refuse)
    return calls


def test_a_cell_opens_no_socket(run, asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("runtime.offline=true") == 0
    assert not asked
    [file] = Path("results").rglob("record.json")
    assert json.loads(file.read_text())["status"] == "ok"


def test_what_is_not_here_is_an_error_and_no_download(run, asked, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))
    assert run("runtime.offline=true", "concepts=paper_20k") == 2
    assert "dissectbench fetch paper_20k" in capsys.readouterr().err
    assert not asked


DEMO = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"a socket was opened: {event} {arguments}")

sys.addaudithook(refuse)
from bench.__main__ import main
few = ["probe.params.size=40"]
sys.exit(main(["demo", "runtime.offline=true", "runtime.progress=false", *few]))
"""


@pytest.mark.slow
def test_the_whole_demo_opens_no_socket(tmp_path, home):
    """Run every method of the demo on few images; what Python opens anywhere in it is seen."""
    environment = {**os.environ, "DISSECTBENCH_HOME": str(home)}
    environment.pop("DISSECTBENCH_CACHE", None)
    done = subprocess.run(
        [sys.executable, "-c", DEMO], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    first, rest = done.stdout.split("36 cells: 36 done")
    assert "lexical match: glyphs objects, fc" in first  # the table of the first jobs
    assert "lexical match: planted" in rest
    [page] = re.findall(r"^wrote .* files: (.*index.html)$", rest, re.MULTILINE)
    assert "lexical match" in Path(page).read_text(encoding="utf-8").lower()
