from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest


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
