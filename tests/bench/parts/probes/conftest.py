"""No test of probe sets looks into the user's own folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hashes are remembered, and data looked for, in folders of the test's own; the latter."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("DISSECTBENCH_HOME", str(home))
    monkeypatch.setenv("DISSECTBENCH_DATA", str(home / "data"))
    return home / "data"
