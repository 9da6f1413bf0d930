"""The section on imported labels of a board's front page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape

if TYPE_CHECKING:
    from leaderboards.board import Board

_INTRODUCTION = """\
*Imported* labels were made by others and are only scored here. By which images and from which
words is not known, so all imported rows of a layer share one column and are judged alike. Its
**constant** is the best of all labels in use in the column, said of every unit; there is an
**oracle** only where each row has one, and **chance** for the nearest true name alone. Sentences
are right where they mention the true name and no other; scores that need activations have no
value."""


def imported_section(board: Board) -> list[str]:
    """Return how to read imported rows, and the source of each; nothing where there is none."""
    rows = {
        row.record.key: row
        for table in board.tables
        for row in table.methods
        if row.record.is_imported
    }
    if not rows:
        return []
    sources = []
    for row in rows.values():
        place = f"{row.record.target.get('name')} {row.record.target.get('layer')}"
        source = escape(str(row.record.method.get("source")), 400)
        sources.append(f"- {escape(row.label)}, {escape(place)}: {source}")
    return ["## Where imported labels come from", _INTRODUCTION, "\n".join(sorted(sources))]
