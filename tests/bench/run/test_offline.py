"""A run with `runtime.offline=true`: nothing asks for a connection."""

from __future__ import annotations

import json
import socket
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
