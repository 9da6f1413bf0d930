"""The small tree, fresh for each test."""

from __future__ import annotations

import pytest

from tests.bench.broden.tree_made import write_tree


@pytest.fixture
def tree(tmp_path):
    """The three images that METHODS works out by hand, and one of material alone."""
    return write_tree(tmp_path / "tree")
