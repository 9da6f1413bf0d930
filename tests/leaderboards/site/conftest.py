from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.leaderboards.site import made

if TYPE_CHECKING:
    from pathlib import Path

    from leaderboards.board import Board


@pytest.fixture(scope="session")
def board(build: Any, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A small board with hostile texts."""
    return made.make_results(build, tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="session")
def site(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its site."""
    folder = tmp_path_factory.mktemp("site") / "site"
    made.make_site(board, folder)
    return folder
