"""Lines under a table: true names that the concept set lacks, and units that were tuned on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import quoted
from metrics.reach import EXACT, NONE, REACHABLE, SYNONYM

if TYPE_CHECKING:
    from leaderboards.tables import ConditionTable


def describe_reach(table: ConditionTable) -> str:
    """Return how many true names a concept set holds; empty if it holds all, or there is none."""
    reach = table.reach
    if reach is None or not reach.detail.get(NONE):
        return ""
    exact, others, missing = (int(reach.detail.get(name, 0)) for name in (EXACT, SYNONYM, NONE))
    text = f"The concept set holds {exact + others} of {reach.n} true names ({exact} exactly"
    text += f", {others} by a synonym or an inflection" if others else ""
    text += f"); no label of a single concept names the other {missing}."
    return (
        f"{text} Scores on the {exact + others}: *{REACHABLE} names*." if exact + others else text
    )


def describe_split(table: ConditionTable) -> str:
    """Return why methods are compared on a part of the units; empty where they are on all."""
    if not table.tuned:
        return ""
    names = ", ".join(map(quoted, table.tuned))
    return (
        f"Compared on the units {table.condition.split}, since development units were used to tune "
        f"{names}; controls are over all units."
    )
