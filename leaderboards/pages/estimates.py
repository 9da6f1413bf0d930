"""Estimates and verdicts as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape
from leaderboards.pages.numbers import show, show_interval

if TYPE_CHECKING:
    from leaderboards.verdicts import Estimate, Verdict
    from metrics.catalog import Format


def mark(estimate: Estimate, verdict: Verdict, form: Format) -> str:
    """Return a number with its interval: bold where best, `≈` where not separable from it.

    Add the p-value of a control network.
    """
    text = number(estimate, form)
    if estimate.is_method and estimate.label == verdict.best:
        value, _, interval = text.partition(" ")
        return f"**{value}** {interval}".rstrip()
    if estimate.is_method and estimate.label in verdict.tied:
        return f"≈ {text}"
    if not estimate.is_method and estimate.p_shuffled is not None:
        return f"{text}, p = {estimate.p_shuffled:.2g}"
    return text


def number(estimate: Estimate, form: Format) -> str:
    """Return a value with its interval; exact expectations have none."""
    text = escape(show(estimate.value, form))
    interval = show_interval(estimate.low, estimate.high, form)
    return text if not interval or estimate.low == estimate.high else f"{text} {interval}"


def separated(verdict: Verdict) -> str:
    """Return how many pairs of methods differ significantly, of how many."""
    pairs = verdict.pairs
    return "—" if pairs is None else f"{pairs.separated} of {pairs.total}"
