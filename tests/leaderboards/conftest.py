from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.run.archive import record_folders
from leaderboards.board import Board, load_board

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def published() -> Iterator[Callable[[str], Board]]:
    """The boards that are published here by name, built of the records in their archives."""
    archives = sorted((ROOT / "leaderboards").glob("*/records.tar.xz"))
    with record_folders(archives) as folders:
        records = {path.parent.name: at for path, at in zip(archives, folders, strict=True)}
        yield cache(lambda name: load_board([records[name]]))


@pytest.fixture(scope="session")
def build() -> Any:
    """The builder of synthetic records beside this file, however pytest imports tests."""
    path = Path(__file__).with_name("builder.py")
    spec = importlib.util.spec_from_file_location("leaderboards_builder", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
