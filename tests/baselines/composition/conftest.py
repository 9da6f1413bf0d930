from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def plain():
    """The module plain.py beside this file."""
    path = Path(__file__).with_name("plain.py")
    spec = importlib.util.spec_from_file_location("composition_plain", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
