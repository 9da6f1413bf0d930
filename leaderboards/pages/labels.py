"""The page labels.md: sentences beside the words of other methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape, table
from leaderboards.pages.provenance import provenance

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.labels import LabelTable

SHOWN = 100
"""Greatest number of units in a table; the records hold all."""


def labels_page(board: Board) -> str:
    """Return labels.md, with one table per layer and probe set."""
    parts = [
        f"# Labels: {escape(board.name)}",
        (
            f"{provenance(board)} First labels of every method that writes sentences, and of the "
            "best of the others for each concept set. **Bold** labels are right by lexical match; "
            "— stands for no label. All labels lie in the records."
        ),
    ]
    for labels in board.labels:
        parts.append(f"## {escape(f'{labels.target}, {labels.layer}: {labels.probe}', limit=200)}")
        parts.append(_table(labels))
        if len(labels.truths) > SHOWN:
            parts.append(f"The first {SHOWN} of {len(labels.truths):,} units.")
    return "\n\n".join(parts) + "\n"


def _table(labels: LabelTable) -> str:
    named = any(labels.truths)
    columns = [
        [_show(label, right) for label, right in zip(column, marks, strict=True)][:SHOWN]
        for column, marks in zip(labels.labels, labels.right, strict=True)
    ]
    if named:
        columns.insert(0, [escape(truth) or "—" for truth in labels.truths[:SHOWN]])
    header = ["true name"] if named else []
    header += [f"{escape(method)}<br>{escape(concepts)}" for method, concepts in labels.header]
    units = [str(unit) for unit in range(len(labels.truths[:SHOWN]))]
    rows = [list(row) for row in zip(units, *columns, strict=True)]
    return table(["unit", *header], rows, keys=1 + named)


def _show(label: str, right: bool) -> str:
    """Return a label for a table: bold if it is right, — for none."""
    text = escape(label)
    return f"**{text}**" if text and right else text or "—"
