"""Tiny captioning models in folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bench.parts.captioners.tiny_models import SAVE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each kind of model."""
    found = {}
    for kind, save in SAVE.items():
        found[kind] = tmp_path_factory.mktemp(kind)
        save(found[kind])
    return found
