"""Where a file of a board comes from: the records behind it, and the command that made it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from leaderboards.pages.markdown import quoted

if TYPE_CHECKING:
    from leaderboards.board import Board

_COMMAND = re.compile(r"Made by `([^`\n]+)` from record set")


def provenance(board: Board) -> str:
    """Return one sentence with the command and the hash of the records."""
    return f"Made by {quoted(board.command, 300)} from record set `{board.score_hash[:16]}`."


def recorded_command(page: str) -> str:
    """Return the command in the provenance of a page; empty for none."""
    match = _COMMAND.search(page)
    return match.group(1) if match else ""
