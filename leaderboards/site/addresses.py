"""Paths of the pages, from the root of the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.hashing import page_hash

if TYPE_CHECKING:
    from leaderboards.conditions import Condition
    from leaderboards.record import Record


def board_page(board: str) -> str:
    """Return the page of a board, whose name is a slug (`leaderboards.record.slug`)."""
    return f"boards/{board}.html"


def record_page(record: Record) -> str:
    """Return the page of a record."""
    return f"records/{record.board}-{record.key}.html"


def layer_id(condition: Condition) -> str:
    """Return the short name of a layer in names of files."""
    return page_hash([condition.place])


def layer_page(condition: Condition) -> str:
    """Return the page of a layer's units."""
    return f"units/{layer_id(condition)}.html"
