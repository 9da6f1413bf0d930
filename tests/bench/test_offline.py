"""Offline means: no connection, whoever wants one; and nothing of it stays behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request

import pytest

from bench.config.compose import expand
from bench.offline import OfflineError, is_offline, offline


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    for name in ("DISSECTBENCH_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


def connect(address):
    with socket.socket() as one:
        one.connect(address)


def test_connections_are_refused_inside_alone(listener):
    connect(listener)
    with offline():
        assert is_offline()
        with pytest.raises(OfflineError, match=r"connection to .* is refused"):
            connect(listener)
        with pytest.raises(OfflineError, match="lookup"):
            socket.getaddrinfo("localhost", 80)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, pytest.raises(OfflineError):
            one.sendto(b"x", listener)
        with pytest.raises(OSError):
            urllib.request.urlopen("http://127.0.0.1:9")
        with offline(active=False), pytest.raises(OfflineError):
            connect(listener)
        with offline():
            pass
        with pytest.raises(OfflineError):
            connect(listener)
    assert not is_offline()
    connect(listener)


def test_sockets_between_local_processes_stay_open():
    with offline():
        one, other = socket.socketpair()
        one.sendall(b"x")
        assert other.recv(1) == b"x"
        one.close()
        other.close()


def test_the_environment_comes_back(monkeypatch):
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "0")
    with offline():
        assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"
    with pytest.raises(ZeroDivisionError), offline():
        _ = 1 / 0
    assert not is_offline()
    assert "HF_HUB_OFFLINE" not in os.environ
    assert os.environ["TRANSFORMERS_OFFLINE"] == "0"
    with offline(active=False):
        assert not is_offline()


@pytest.mark.parametrize("first", ["", "import huggingface_hub.constants\n"])
def test_the_hub_is_told_whenever_it_is_imported(first):
    code = (
        f"{first}from bench.offline import offline\n"
        "with offline():\n"
        "    import huggingface_hub.constants as hub\n"
        "    assert hub.HF_HUB_OFFLINE\n"
        "assert not hub.HF_HUB_OFFLINE\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("variable", "said"), [("", False), ("0", False), ("1", True), ("true", True), ("no", False)]
)
def test_the_variable_says_it_for_runs_and_fetch(monkeypatch, variable, said):
    if variable:
        monkeypatch.setenv("DISSECTBENCH_OFFLINE", variable)
    assert is_offline() is said
    [job] = expand([])
    assert job.config.runtime.offline is said
    [job] = expand(["runtime.offline=true"])
    assert job.config.runtime.offline is True
