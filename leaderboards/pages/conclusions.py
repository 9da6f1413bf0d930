"""Sentences under a table: what the comparison of its methods supports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import quoted
from leaderboards.pages.numbers import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leaderboards.verdicts import Pairs, Verdict
    from metrics.catalog import Format


def conclude(verdict: Verdict, form: Format = "fraction") -> list[str]:
    """Return what a column supports as Markdown sentences, with row labels in code spans.

    Args:
        verdict: The column's.
        form: How its values are rounded.
    """
    if verdict.valued == 0:
        return ["No method has a score here."]
    if verdict.saturated:
        limit = show(verdict.limit, "fraction")
        names = _names(verdict.at_limit)
        return [f"No conclusion: saturated ({names} reach {limit})."]
    if verdict.is_single:
        sentences = [
            f"{quoted(verdict.best)} is the only method here: there is nothing to compare."
        ]
    elif verdict.pairs is None or verdict.best not in verdict.pairs.labels:
        leaders = [verdict.best, *verdict.tied]
        have = "have" if verdict.tied else "has"
        sentences = [f"{_names(leaders)} {have} the best value; the methods are not compared."]
    else:
        sentences = [_ranking(verdict)]
    sentences += _floors(verdict)
    if verdict.pairs is not None:
        sentences.append(_power(verdict.pairs, form))
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


def _power(pairs: Pairs, form: Format) -> str:
    """Say how many pairs differ, and how small a difference the column could show."""
    text = f"{pairs.separated} of {pairs.total} pairs of methods differ (n = {pairs.comparison.n}"
    if pairs.smallest is None:
        return f"{text}: too few units for any difference to be significant)."
    return f"{text}; differences below about {show(pairs.smallest, form)} rarely show)."


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
