"""The section on imported labels of a board's front page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.rows import Row

_INTRODUCTION = """\
*Imported* labels were made by others and are only scored here. By which images and from which
words is not known, so all imported rows of a layer share one column and are judged alike. Its
**constant** is the best of all labels in use in the column, said of every unit; there is an
**oracle** only where each row has one, and **chance** for the nearest true name alone. Sentences
are right where they mention the true name and no other; scores that need activations have no
value. Rows are marked *verified* where a run here gives the same first label for at least 95 % of
the units."""


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
        facts = "; ".join(escape(fact, 400) for fact in _facts(row))
        mark = "" if row.mark == "imported" else f" ({row.mark})"  # the label says so
        sources.append(f"- {escape(row.label)}, {escape(place)}{mark}: {facts}")
    return ["## Where imported labels come from", _INTRODUCTION, "\n".join(sorted(sources))]


def _facts(row: Row) -> list[str]:
    """Return the source of imported labels, what their submission says, and their verification."""
    method = row.record.method
    facts = [str(method.get("source"))]
    submission = method.get("submission")
    if isinstance(submission, dict):
        facts += [f"version {method.get('version')}"]
        facts += [f"{name} {submission.get(name)}" for name in ("licence", "hardware")]
    found = row.cell.verification if row.cell else None
    if found:
        facts.append(
            f"{found.equal:,} of {found.units:,} first labels are those of record {found.record}"
        )
    return facts
