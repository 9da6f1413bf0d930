"""The overview: how often each method is among the best, and what it costs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import isnan, nan
from statistics import median
from typing import TYPE_CHECKING

from leaderboards.pages.numbers import show_seconds
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from leaderboards.board import Board
    from leaderboards.summary import Column, Summary


@dataclass(frozen=True)
class Standing:
    """A method on a board, over the conditions whose first headline score ranks methods.

    Attributes:
        board: Name of the board.
        method: Label of its row.
        given: What it was given besides images.
        best: Conditions in which it has the best value.
        tied: Conditions in which it is not significantly worse than the best.
        ranked: Conditions that compare it with another method.
        scaled: Median of its scaled scores; None where no condition has a scale.
        per_unit_s: Median time of matching one unit, on the hardware of most timings.
        cold_s: Median time from an empty cache, on the same hardware.
    """

    board: str
    method: str
    given: str
    best: int
    tied: int
    ranked: int
    scaled: float | None
    per_unit_s: float | None
    cold_s: float | None

    @property
    def among_best(self) -> int:
        """Conditions in which no method is significantly better."""
        return self.best + self.tied


def first_summaries(board: Board) -> list[Summary]:
    """Return the first headline table of each layer."""
    first: dict[tuple[str, str, str], Summary] = {}
    for summary in board.summaries:
        first.setdefault(summary.place, summary)
    return list(first.values())


def main_costs(costs: pd.DataFrame) -> pd.DataFrame:
    """Return the costs on the hardware of most timings: others are never ranked with them."""
    places = costs["hardware"] + " " + costs["device"]
    return costs[places == places.mode().iloc[0]] if len(costs) else costs


def compute_standings(board: Board) -> list[Standing]:
    """Return the methods of each board, those that are among the best most often first."""
    columns: dict[tuple[str, str], list[tuple[Summary, Column]]] = defaultdict(list)
    for summary in first_summaries(board):
        for column in summary.columns:
            if column.verdict.best:  # a single method is listed, but compared with none
                for label in (column.verdict.best, *column.verdict.tied, *column.verdict.below):
                    columns[summary.place[0], label].append((summary, column))
    costs = main_costs(board.costs).groupby(["board", "method"])
    medians = costs[["match_per_unit_s", "cold_total_s"]].median()
    times = dict(zip(medians.index, medians.to_numpy(float).tolist(), strict=True))
    found = []
    for (name, label), pairs in columns.items():
        verdicts = [column.verdict for _, column in pairs if not column.verdict.is_single]
        scaled = [_scaled(summary, column, label) for summary, column in pairs]
        known = [value for value in scaled if value is not None]
        per_unit, cold = times.get((name, label), (nan, nan))
        found.append(
            Standing(
                board=name,
                method=label,
                given=_given(pairs[0][1], label),
                best=sum(verdict.best == label for verdict in verdicts),
                tied=sum(label in verdict.tied for verdict in verdicts),
                ranked=len(verdicts),
                scaled=median(known) if known else None,
                per_unit_s=None if isnan(per_unit) else per_unit,
                cold_s=None if isnan(cold) else cold,
            )
        )
    return sorted(found, key=lambda s: (s.board, -s.among_best, -s.best, -s.ranked, s.method))


def answer(board: Board, name: str, standings: Iterable[Standing]) -> str:
    """Return which method is best on a board, how surely, and at what cost.

    Args:
        board: All boards.
        name: The board.
        standings: Of all boards.

    Returns:
        Sentences, with names of methods as code spans, `between backticks`.
    """
    own = [one for one in standings if one.board == name]
    columns = [
        column
        for summary in first_summaries(board)
        if summary.place[0] == name
        for column in summary.columns
    ]
    sentences = (_winner(own), _certainty(columns), _price(own))
    return " ".join(sentence for sentence in sentences if sentence)


def metric_titles(board: Board) -> str:
    """Return the titles of the scores that the standings rest on."""
    return " or ".join(sorted({metric_of(one.metric).title for one in first_summaries(board)}))


def _winner(own: Sequence[Standing]) -> str:
    if not own or not own[0].ranked:
        return "No condition ranks any method."
    best = own[0]
    where = (
        "the one condition that compares it"
        if best.ranked == 1
        else f"{best.among_best} of the {best.ranked} conditions that compare it"
    )
    text = f"`{best.method}` is most often among the best: "
    text += f"no method is significantly better in {where}"
    equal = [f"`{one.method}`" for one in own[1:] if one.among_best == best.among_best > 0]
    if equal:
        text += f"; the same holds as often for {' and '.join(equal[:2])}"
        text += f" and {len(equal) - 2} more" if len(equal) > 2 else ""
    return f"{text}."


def _certainty(columns: Sequence[Column]) -> str:
    verdicts = [column.verdict for column in columns]
    single = sum(verdict.is_single for verdict in verdicts)
    ranking = [verdict for verdict in verdicts if verdict.best and not verdict.is_single]
    pairs = [verdict.pairs for verdict in ranking if verdict.pairs is not None]
    total, saturated = sum(one.total for one in pairs), len(verdicts) - len(ranking) - single
    sentences = []
    if total:
        separated = sum(one.separated for one in pairs)
        sentences.append(f"{separated:,} of {total:,} pairs of methods differ significantly.")
    if saturated:
        verb = "ranks" if saturated == 1 else "rank"
        more = "further " if ranking else ""
        noun = _count(saturated, f"{more}condition")
        sentences.append(
            f"{noun} {verb} no method: two or more reach the limit, or none has a score."
        )
    if single:
        has = "has" if single == 1 else "have"
        sentences.append(
            f"{_count(single, 'condition')} {has} a single method: there is nothing to compare."
        )
    return " ".join(sentences)


def _price(own: Sequence[Standing]) -> str:
    timed = [one for one in own if one.ranked and one.per_unit_s is not None]
    if not timed or timed[0] is not own[0]:
        return ""
    best, fastest = timed[0], min(timed, key=lambda one: one.per_unit_s or 0.0)
    text = f"It takes {show_seconds(best.per_unit_s)} to match a unit"
    if fastest is best:
        return f"{text}, the least of all."
    return (
        f"{text}; the fastest, `{fastest.method}`, takes {show_seconds(fastest.per_unit_s)} and is "
        f"among the best in {fastest.among_best} of {fastest.ranked}."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _scaled(summary: Summary, column: Column, label: str) -> float | None:
    row = next(row for row in column.table.methods if row.label == label)
    return column.table.scaled(row, summary.metric).value


def _given(column: Column, label: str) -> str:
    return next(row.given for row in column.table.methods if row.label == label)
