"""The section on judges of a board's front page: does the best method depend on the score?"""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median
from typing import TYPE_CHECKING

from leaderboards.pages.markdown import escape, quoted, table
from leaderboards.pages.numbers import count
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leaderboards.board import Board
    from leaderboards.judges import Agreement, Ranking, RankingGroup

_TITLE = "Scores, judges and rules"
JUDGES = "judges.csv.gz"

_INTRODUCTION = f"""\
The same labels can be scored in several ways, and each score, under each judge and each rule of
what counts as right, ranks the methods. *tau* is Kendall's tau-b of a ranking with that of the
headline, the condition's first score in the tables above: 1 for the same order, -1 for the reverse.
*Best method* counts the conditions in which a method is best, or equal to the best; *same best*
counts those in which some method is best by both rankings. Where no method is, a **warning** says
that each ranking significantly separates its best method from the other's, and a *weak warning*
that at least one of them does not. All pairs of rankings: [{JUDGES}]({JUDGES})."""

_MOST = 3
"""Best methods that a row of the table names."""


def judges_section(board: Board) -> list[str]:
    """Return warnings and a table of rankings; nothing where no labels have two rankings."""
    if not board.rankings:
        return []
    warnings = [warning for group in board.rankings if (warning := _warning(board, group))]
    stable = len(board.rankings) - len(warnings)
    warnings.append(
        f"- In {stable} of {count(len(board.rankings), 'condition')} no ranking changes the best "
        "method."
    )
    heading = f'<a id="judges"></a>\n\n## {_TITLE}'
    return [heading, _INTRODUCTION, "\n".join(warnings), _table(board)]


def judges_note(board: Board, place: tuple[str, str, str]) -> list[str]:
    """Return a sentence on the judges of a layer; nothing where no best method changes."""
    own = [group for group in board.rankings if group.where[:3] == place]
    changing = sum(bool(group.changes) for group in own)
    if not changing:
        return []
    separated = sum(group.has_significant_change for group in own)
    where = f"in {changing} of {count(len(own), 'condition')}, significantly in {separated} of them"
    return [f"The best method depends on the score {where}: see [{_TITLE}](#judges)."]


def _warning(board: Board, group: RankingGroup) -> str:
    """Return which rankings change the best method, as a list item; empty for none."""
    changes: dict[tuple[str, str], list[Agreement]] = defaultdict(list)
    for pair in group.changes:
        changes[pair.best].append(pair)
    if not changes:
        return ""
    kind = "**Warning**" if group.has_significant_change else "*Weak warning*"
    own_board, target, layer, probe, concepts = group.where
    scoring = "" if group.has_several_scorings else group.rankings[0].scoring
    condition = " × ".join(part for part in (probe, concepts, scoring) if part)
    heading = f"{target}, {layer}: {condition}"
    if ", " in board.name:  # several boards
        heading = f"{own_board}: {heading}"
    lines = [f"- {kind}, {escape(heading, 300)}: the best method depends on the score."]
    return "\n".join([*lines, *(f"  - {_change(group, pairs)}" for pairs in changes.values())])


def _change(group: RankingGroup, pairs: list[Agreement]) -> str:
    """Return two methods, the rankings by which each is best, and those that tie them."""
    first, (a, b) = group.rankings[0], pairs[0].best
    others = _names(group, [pair.second for pair in pairs])
    among = "" if a in first.best(first.goodness) else " (of the methods that have both scores)"
    text = f"{quoted(a)} by {_names(group, [first])}{among}, {quoted(b)} by {others}."
    unsure = [first] if pairs[0].separated[0] is not True else []
    unsure += [pair.second for pair in pairs if pair.separated[1] is not True]
    return f"{text} Not separable by {_names(group, unsure)}." if unsure else text


def _table(board: Board) -> str:
    """Return one row per score, scoring and judge, over all conditions that have it."""
    rankings: dict[str, list[Ranking]] = defaultdict(list)
    agreements: dict[str, list[Agreement]] = defaultdict(list)
    for group in board.rankings:
        for ranking in group.rankings:
            rankings[_names(group, [ranking])].append(ranking)
        for pair in group.headline_agreements:
            agreements[_names(group, [pair.second])].append(pair)
    header = ["score (judge)", "conditions", "best method", "same best", "median tau", "lowest tau"]
    rows = []
    for name, own in rankings.items():
        pairs = agreements[name]
        same = sum(not pair.is_change for pair in pairs)
        tau = [pair.tau for pair in pairs if pair.tau == pair.tau]
        rows.append(
            [
                name,
                str(len(own)),
                _count(own),
                f"{same} of {len(pairs)}" if pairs else "—",
                f"{median(tau):.2f}" if tau else "—",
                f"{min(tau):.2f}" if tau else "—",
            ]
        )
    return table(header, rows)


def _count(rankings: Sequence[Ranking]) -> str:
    """Return the most frequent best methods, each with its number of conditions if several."""
    counts = Counter(method for one in rankings for method in one.best(one.goodness))
    shown = [
        f"{escape(method)} ({count})" if len(rankings) > 1 else escape(method)
        for method, count in counts.most_common(_MOST)
    ]
    more = [f"{len(counts) - _MOST} more"] if len(counts) > _MOST else []
    return ", ".join([*shown, *more])


def _names(group: RankingGroup, rankings: Iterable[Ranking]) -> str:
    """Return scores with their scorings and judges, `°` at circular ones."""
    judges: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in rankings:
        mark = "°" if one.circular else ""
        title = escape(metric_of(one.metric).title)
        scoring = escape(one.scoring) if group.has_several_scorings else ""
        judges[title if one.judge else title + mark, scoring].append(
            f"{escape(one.judge)}{mark}" if one.judge else ""
        )
    names = []
    for (title, scoring), own in judges.items():
        inside = ", ".join(part for part in (scoring, *own) if part)
        names.append(f"{title} ({inside})" if inside else title)
    return "; ".join(names)
