"""labels.md: sentences beside the other methods' words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape, table
from leaderboards.pages.provenance import provenance

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.labels import LabelTable

SHOWN = 100
"""Units of a table at most; the records hold all."""


def labels_page(board: Board) -> str:
    """The page with one table per layer and probe set."""
    parts = [
        f"# Labels: {escape(board.name)}",
        (
            f"{provenance(board)} First labels of every method that writes sentences, and of the "
            "best of the others for each concept set. **Bold** labels are right by lexical match; "
            "— stands for no label. All labels lie in the records."
        ),
    ]
    for words in board.labels:
        parts.append(f"## {escape(f'{words.target}, {words.layer}: {words.probe}', limit=200)}")
        parts.append(_table(words))
        if len(words.truths) > SHOWN:
            parts.append(f"The first {SHOWN} of {len(words.truths):,} units.")
    return "\n\n".join(parts) + "\n"


def _table(words: LabelTable) -> str:
    named = any(words.truths)
    columns = [
        [_marked(label, is_right) for label, is_right in zip(labels, right, strict=True)][:SHOWN]
        for labels, right in zip(words.labels, words.right, strict=True)
    ]
    if named:
        columns.insert(0, [escape(truth) or "—" for truth in words.truths[:SHOWN]])
    header = ["true name"] if named else []
    header += [f"{escape(method)}<br>{escape(concepts)}" for method, concepts in words.header]
    units = [str(unit) for unit in range(len(words.truths[:SHOWN]))]
    return table(["unit", *header], [list(row) for row in zip(units, *columns, strict=True)])


def _marked(label: str, is_right: bool) -> str:
    """A label as a table shows it: bold where it is right, — where there is none."""
    text = escape(label)
    return f"**{text}**" if text and is_right else text or "—"
