"""No connections: what `runtime.offline=true` means, whatever a library would like to do.

The hub's libraries are told so that they look into their caches; beyond that an audit hook refuses
every internet socket of this process, so that the promise does not rest on their manners.
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
_INTERNET = (socket.AF_INET, socket.AF_INET6)  # sockets between local processes stay open

_depth = 0
_hooked = False


class OfflineError(ConnectionError):
    """Something tried to open a connection while offline; libraries report it as no connection."""


def is_offline() -> bool:
    """Whether connections are refused here and now, by a run's setting or $DISSECTBENCH_OFFLINE."""
    word = os.environ.get(VARIABLE, "").strip().lower()
    return _depth > 0 or word not in ("", "0", "false", "no", "off")


@contextmanager
def offline(active: bool = True) -> Iterator[None]:
    """Refuse every connection of this process inside the block.

    Args:
        active: False changes nothing, and leaves an enclosing block as it is.
    """
    global _depth  # sockets are a matter of the whole process
    if not active:
        yield
        return
    before = {name: os.environ.get(name) for name in _HUB}
    # The hub's library reads its variable only once, when it is imported.
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
    """Give the hub's library back what it would hold had it been imported outside the block."""
    if constants is not None:
        constants.HF_HUB_OFFLINE = was
        return
    imported = sys.modules.get("huggingface_hub.constants")
    if imported is not None:
        said = (variable or "").upper() in ("1", "ON", "YES", "TRUE")
        imported.HF_HUB_OFFLINE = said  # type: ignore[attr-defined]


def _hook_once() -> None:
    global _hooked  # a hook cannot be taken out again
    if not _hooked:
        sys.addaudithook(_refuse)
        _hooked = True


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _depth:
        return
    if event in _LOOKUPS:
        raise OfflineError(f"offline: {arguments[0]} is not looked up")
    if event in _CALLS and getattr(arguments[0], "family", None) in _INTERNET:
        raise OfflineError(f"offline: no connection to {arguments[-1]}")
