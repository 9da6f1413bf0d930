"""Agreement of judges: rankings of the methods by each score, judge and label rule.

The labels of a condition stay the same; only what scores them changes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.catalog import ANSWER_METRICS, FALSE_LABELS, HEADLINES, METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leaderboards.tables import ConditionTable
    from leaderboards.verdicts import Pairs

WHERE = ("board", "target", "layer", "probe", "concepts")
COLUMNS = (
    *WHERE, "score_a", "scoring_a", "judge_a", "circular_a", "score_b", "scoring_b", "judge_b",
    "circular_b", "methods", "tau", "best_a", "best_b", "separated_a", "separated_b",
)  # fmt: skip
SCORES = tuple(
    name
    for name in dict.fromkeys((*HEADLINES, *METRICS))
    # AUROC rates a method's own scores, false labels other units; the median repeats the mean rank;
    # few methods answer in sets.
    if METRICS[name].ranks and name not in ("auroc", FALSE_LABELS, "median_rank", *ANSWER_METRICS)
)
_DIGITS = 9
"""Decimal places of scores, so that rounding errors neither make nor break ties."""


@dataclass(frozen=True)
class Ranking:
    """The methods of one condition by one score.

    Attributes:
        metric: Name of the score.
        scoring: What counts as right; empty where the layer has one scoring.
        judge: Models that the score comes from; empty where there is one set of them, or none.
        circular: Whether the judge shares its text tower with an encoder that made labels.
        goodness: By method, the score turned so that more is better.
        table: The table of the condition.
    """

    metric: str
    scoring: str
    judge: str
    circular: bool
    goodness: Mapping[str, float]
    table: ConditionTable = field(compare=False, repr=False)

    @cached_property
    def pairs(self) -> Pairs | None:
        """The methods compared in pairs; None where the score has no values by unit."""
        return self.table.verdict(self.metric).pairs

    def separates(self, better: str, worse: str) -> bool | None:
        """Return whether a method is significantly better; None where they are not compared."""
        if self.pairs is None or not {better, worse} <= set(self.pairs.labels):
            return None
        return self.pairs.is_better(better, worse)

    def best(self, among: Iterable[str]) -> list[str]:
        """Return the best of some methods, in their order; several if their scores are equal."""
        methods = list(among)
        top = max(self.goodness[method] for method in methods)
        return [method for method in methods if self.goodness[method] == top]


@dataclass(frozen=True)
class Agreement:
    """Two rankings, compared over the methods that both of them rank.

    Attributes:
        first: A ranking.
        second: Another ranking of the same labels.
        methods: Number of methods in both.
        tau: Kendall's tau-b; NaN where a ranking ties all methods.
        best: The best method by each; equal where any method is best by both.
        separated: Where the best methods differ, whether each ranking's paired comparison separates
            them; None where it cannot say.
    """

    first: Ranking
    second: Ranking
    methods: int
    tau: float
    best: tuple[str, str]
    separated: tuple[bool | None, bool | None] = (None, None)

    @property
    def is_change(self) -> bool:
        """Whether no method is best by both rankings."""
        return self.best[0] != self.best[1]


@dataclass(frozen=True)
class RankingGroup:
    """The rankings of the labels of one layer, probe set and concept set.

    Attributes:
        where: Board, target, layer, probe set and concept set.
        rankings: Of at least two methods, the headline score first.
        agreements: Of each pair of rankings with two or more methods in common, in their order.
    """

    where: tuple[str, str, str, str, str]
    rankings: tuple[Ranking, ...]
    agreements: tuple[Agreement, ...]

    @property
    def headline_agreements(self) -> tuple[Agreement, ...]:
        """The agreement of the headline's ranking with each of the others."""
        return tuple(one for one in self.agreements if one.first is self.rankings[0])

    @property
    def changes(self) -> tuple[Agreement, ...]:
        """The agreements with rankings whose best method is not the headline's."""
        return tuple(one for one in self.headline_agreements if one.is_change)

    @property
    def has_significant_change(self) -> bool:
        """Whether a ranking and the headline's each separate their best method from the other's."""
        return any(one.separated == (True, True) for one in self.changes)

    @property
    def has_several_scorings(self) -> bool:
        """Whether the rankings differ in what counts as right."""
        return len({ranking.scoring for ranking in self.rankings}) > 1


def compare_judges(tables: Iterable[ConditionTable]) -> list[RankingGroup]:
    """Compare all rankings of equal labels; leave out labels with fewer than two rankings."""
    conditions: dict[tuple[str, ...], list[ConditionTable]] = defaultdict(list)
    for table in tables:
        conditions[tuple(getattr(table.condition, name) for name in WHERE)].append(table)
    found = []
    for (board, target, layer, probe, concepts), members in conditions.items():
        rankings = _rankings(members)
        pairs = (compare_rankings(*pair) for pair in combinations(rankings, 2))
        if agreements := tuple(pair for pair in pairs if pair):
            where = (board, target, layer, probe, concepts)
            found.append(RankingGroup(where, tuple(rankings), agreements))
    return found


def _rankings(tables: Sequence[ConditionTable]) -> list[Ranking]:
    """Return a ranking for each score and table; a single one where the judges change no value."""
    found: list[Ranking] = []
    for metric in SCORES:
        for table in tables:
            goodness = {
                row.label: round(row.goodness(metric), _DIGITS)
                for row in table.methods
                if row.value(metric) is not None
            }
            scores = [row.scores[metric] for row in table.methods if row.label in goodness]
            circular = any(score.circular for score in scores)
            scoring, judge = table.condition.scoring, table.condition.judge
            ranking = Ranking(metric, scoring, judge, circular, goodness, table)
            again = any(replace(one, judge=judge) == ranking for one in found)
            if len(goodness) > 1 and not again:
                found.append(ranking)
    # A score that no model judges names one only where its values differ between judges.
    judges: dict[object, set[str]] = defaultdict(set)
    for one in found:
        judges[_judge_scope(one)].add(one.judge)
    return [replace(one, judge="") if len(judges[_judge_scope(one)]) == 1 else one for one in found]


def _judge_scope(ranking: Ranking) -> object:
    """Return the scope within which a ranking names its judge if there are several."""
    if METRICS[ranking.metric].judged:
        return ranking.metric
    return ranking.metric, ranking.scoring


def compare_rankings(first: Ranking, second: Ranking) -> Agreement | None:
    """Compare two rankings; None where they have fewer than two methods in common.

    The statistic is Kendall's tau-b (Kendall, 1945), which allows for ties.
    """
    from scipy.stats import kendalltau

    methods = [method for method in first.goodness if method in second.goodness]
    if len(methods) < 2:
        return None
    goodness = [[ranking.goodness[one] for one in methods] for ranking in (first, second)]
    tau = round(float(kendalltau(*goodness).statistic), _DIGITS)
    tops = [ranking.best(methods) for ranking in (first, second)]
    # If some method is best by both rankings, even tied, the best method does not change.
    shared = [method for method in tops[0] if method in tops[1]]
    a, b = ((shared or top)[0] for top in tops)
    if a == b:
        return Agreement(first, second, len(methods), tau, (a, b))
    separated = (first.separates(a, b), second.separates(b, a))
    return Agreement(first, second, len(methods), tau, (a, b), separated)


def judges_frame(groups: Iterable[RankingGroup]) -> pd.DataFrame:
    """Return one row per pair of rankings, with columns `COLUMNS`."""
    rows: list[dict[str, Any]] = [
        dict(zip(WHERE, group.where, strict=True))
        | _side("a", pair.first, pair.best[0], pair.separated[0])
        | _side("b", pair.second, pair.best[1], pair.separated[1])
        | {"methods": pair.methods, "tau": pair.tau}
        for group in groups
        for pair in group.agreements
    ]
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    return table.astype({"tau": "float64", "separated_a": "boolean", "separated_b": "boolean"})


def _side(name: str, ranking: Ranking, best: str, separated: bool | None) -> dict[str, Any]:
    return {
        f"score_{name}": ranking.metric,
        f"scoring_{name}": ranking.scoring,
        f"judge_{name}": ranking.judge,
        f"circular_{name}": ranking.circular,
        f"best_{name}": best,
        f"separated_{name}": separated,
    }
