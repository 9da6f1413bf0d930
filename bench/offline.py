"""Offline mode (`runtime.offline=true`): no connection is opened.

Settings of the hub's libraries make them use their caches. In addition, an audit hook refuses every
internet socket of this process, whatever a library does.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "DISSECTBENCH_OFFLINE"
_HUB = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_CALLS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_INTERNET = (socket.AF_INET, socket.AF_INET6)  # sockets between local processes are allowed

_depth = 0
_hooked = False


class OfflineError(ConnectionError):
    """A connection was refused in offline mode; libraries report it as a connection error."""


def is_offline() -> bool:
    """Return whether connections are refused, by a run's setting or $DISSECTBENCH_OFFLINE."""
    value = os.environ.get(VARIABLE, "").strip().lower()
    return _depth > 0 or value not in ("", "0", "false", "no", "off")


@contextmanager
def offline(active: bool = True) -> Iterator[None]:
    """Refuse every connection of this process inside the block.

    Args:
        active: False has no effect, also inside an active block.
    """
    global _depth  # sockets belong to the process
    if not active:
        yield
        return
    before = {name: os.environ.get(name) for name in _HUB}
    # The hub's library reads its variable once, at its import.
    constants = sys.modules.get("huggingface_hub.constants")
    was = getattr(constants, "HF_HUB_OFFLINE", None)
    _hook_once()
    _depth += 1
    os.environ.update(dict.fromkeys(_HUB, "1"))
    if constants is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        _depth -= 1
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        _restore(constants, was, before["HF_HUB_OFFLINE"])


def _restore(constants: Any, was: object, variable: str | None) -> None:
    """Restore the hub library's setting; derive it if the library was imported in the block."""
    if constants is not None:
        constants.HF_HUB_OFFLINE = was
        return
    imported = sys.modules.get("huggingface_hub.constants")
    if imported is not None:
        value = (variable or "").upper() in ("1", "ON", "YES", "TRUE")
        imported.HF_HUB_OFFLINE = value  # type: ignore[attr-defined]


def _hook_once() -> None:
    global _hooked  # a hook cannot be removed
    if not _hooked:
        sys.addaudithook(_refuse)
        _hooked = True


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _depth:
        return
    if event in _LOOKUPS:
        raise OfflineError(f"offline mode: the lookup of {arguments[0]} is refused")
    if event in _CALLS and getattr(arguments[0], "family", None) in _INTERNET:
        raise OfflineError(f"offline mode: the connection to {arguments[-1]} is refused")
