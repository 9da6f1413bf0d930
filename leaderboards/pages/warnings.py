"""The warning under cosines that reward labels in the comma-joined form of the true names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.comma_joined import NEAREST
from leaderboards.pages.numbers import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.rows import Row

_MOST = 4
"""Methods that a warning names."""


def warn_of_comma_joined(rows: Sequence[Row]) -> str:
    """Return a warning about the cosines of some methods; empty where no label copies the form."""
    copying = [f"{row.label} ({row.comma_joined:.0%})" for row in rows if row.comma_joined]
    if not copying:
        return ""
    values = {row.label: score.value for row in rows if (score := row.scores.get(NEAREST))}
    best = sorted((-v, label) for label, v in values.items() if v is not None)[:_MOST]
    fair = ", ".join(f"{label} {show(-value, 'fraction')}" for value, label in best)
    more = f" and {len(copying) - _MOST} more" if len(copying) > _MOST else ""
    return (
        "The true names are comma-joined synonyms, and some labels copy that form: "
        f"{', '.join(copying[:_MOST])}{more}. The cosine with the whole name rewards the form, "
        f"right or wrong; compare by the nearest synonym: {fair or 'not computed'}."
    )
