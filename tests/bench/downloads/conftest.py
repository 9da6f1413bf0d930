"""A server of our own for each test, and nothing of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.downloads.http import RetryPolicy
from tests.bench.downloads.server import Site, handler, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site() -> Iterator[Site]:
    state = Site()
    with serve(handler(state)) as state.url:
        yield state


@pytest.fixture(autouse=True)
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's own: no data folder, no proxies, no setting to stay offline."""
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    for name in ("DISSECTBENCH_DATA", "DISSECTBENCH_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hasty() -> RetryPolicy:
    return RetryPolicy(attempts=3, pause_s=0.0, timeout_s=5.0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"
