"""Measurements collect garbage first, which takes long in a process of many objects."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    """Exempt the objects of other modules from collection."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
