"""Sentences under a table: what its intervals support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import quoted
from leaderboards.pages.numbers import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leaderboards.intervals import Verdict

FEW = 3
"""Least number of pairwise disjoint rows for a conclusion."""


def conclude(verdict: Verdict) -> list[str]:
    """Return what a column supports as Markdown sentences, with row labels in code spans."""
    if verdict.valued == 0:
        return ["No method has a score here."]
    if verdict.saturated:
        limit = show(verdict.limit, "fraction")
        names = _names(verdict.at_limit)
        return [f"No conclusion: saturated ({names} reach {limit})."]
    if verdict.methods < verdict.valued:
        which = "with an interval" if verdict.methods else "(none has an interval)"
        sentences = [f"{quoted(verdict.best)} has the best value of the methods {which}."]
    elif verdict.valued == 1:
        sentences = [f"{quoted(verdict.best)} is the only method here."]
    else:
        sentences = [_ranking(verdict)]
    sentences += _floors(verdict)
    sentences.append(
        f"Pairwise disjoint: {verdict.disjoint_rows} of {verdict.rows} rows, "
        f"{verdict.disjoint_methods} of {verdict.methods} methods"
        + (": too few to conclude much." if verdict.disjoint_rows < FEW else ".")
    )
    return sentences


def _ranking(verdict: Verdict) -> str:
    best = quoted(verdict.best)
    if not verdict.tied:
        return f"{best} is above every other method."
    if not verdict.below:
        return f"No method stands out: {best} is not separable from any other."
    return (
        f"{_names([verdict.best, *verdict.tied])} are not separable; "
        f"{best} is above {_names(verdict.below)}."
    )


def _floors(verdict: Verdict) -> list[str]:
    """Name methods that are not above a control which uses nothing of the network."""
    sentences = []
    for control, labels in verdict.not_above.items():
        if len(labels) == verdict.valued:
            sentences.append(f"No method is above {control}.")
        elif labels:
            sentences.append(f"Not above {control}: {_names(labels)}.")
    return sentences


def _names(labels: Iterable[str], limit: int = 6) -> str:
    names = [quoted(label) for label in labels]
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
