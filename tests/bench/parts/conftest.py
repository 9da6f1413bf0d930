"""A machine without a connection."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to connect fail the test."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
