"""One condition's table: the methods, best first, then the controls."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leaderboards.cells import writes
from leaderboards.columns import HEADLINES, METRICS, NORMALISED
from leaderboards.imported import WORDS, is_imported, shared_control
from leaderboards.intervals import Entry
from leaderboards.joined import warn_of_joined
from leaderboards.naming import Condition, name_conditions, name_rows
from leaderboards.readings import outdated
from leaderboards.scores import CONTROLS, ScoreSet, named_word
from metrics.scores import Score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leaderboards.cells import Cell
    from leaderboards.record import Record

_GIVEN = dict.fromkeys(CONTROLS, "truth") | {"chance": "none"}
_CLOSED = ("concept set", "mask labels")
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Row:
    """One row of a sheet.

    Attributes:
        label: The method and the settings that tell it apart, or the control's name.
        is_method: False for a control.
        scores: Score by name.
        record: The record behind it; for a control, the one whose file it was read from.
        note: What a reader should know of a control: its word, or whose labels were shuffled.
        judged: The scores file that a method's row comes from.
        joined: Share of a method's labels that are comma-joined true names.
    """

    label: str
    is_method: bool
    scores: Mapping[str, Score]
    record: Record
    note: str = ""
    judged: ScoreSet | None = None
    joined: float = 0.0

    @property
    def given(self) -> str:
        """What the row was given besides images."""
        return str(self.record.method.get("given", "?")) if self.is_method else _GIVEN[self.label]

    @property
    def vocabulary(self) -> str:
        """Where the row's words come from."""
        own = str(self.record.method.get("vocabulary", "?"))
        if not self.is_method and is_imported(self.record):
            return WORDS
        return own if self.is_method or writes(self.record) else "concept set"

    @property
    def origin(self) -> str:
        """Where the row's labels come from."""
        return self.record.origin if self.is_method else "control"


@dataclass(frozen=True)
class Sheet:
    """All rows of one condition.

    Attributes:
        condition: What they have in common.
        headline: The score that they are sorted by; empty where no method has one.
        rows: Methods, best first, then the controls from the ceiling down.
        shuffled: The shuffled control of every method, by the method's label.
        circular: The sentence scorer shares weights with a labelling encoder.
        notes: What a reader should know of this table.
    """

    condition: Condition
    headline: str
    rows: tuple[Row, ...]
    shuffled: Mapping[str, Row] = field(default_factory=dict)
    circular: bool = False
    notes: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[Row, ...]:
        """The rows of methods."""
        return tuple(row for row in self.rows if row.is_method)

    def control(self, name: str) -> Row | None:
        """The row of a control, if it was computed."""
        return next((row for row in self.rows if not row.is_method and row.label == name), None)

    def entries(self, name: str) -> list[Entry]:
        """One score of every row, ready to be judged."""
        return [self._entry(row, name) for row in self.rows]

    def _entry(self, row: Row, name: str) -> Entry:
        score = self.normalised(row) if name == NORMALISED else row.scores.get(name)
        if score is None:
            return Entry(row.label, row.is_method, None, reason="not computed")
        return Entry(
            row.label,
            row.is_method,
            score.value,
            score.ci_low,
            score.ci_high,
            score.higher_is_better,
            score.n,
            score.reason or "",
        )

    def normalised(self, row: Row, name: str = "sentence_cosine") -> Score | None:
        """(score - constant) / (oracle - constant), None where a part of it is missing."""
        floor, ceiling = (
            None if control is None else control.scores.get(name)
            for control in (self.control("constant"), self.control("oracle"))
        )
        score = row.scores.get(name)
        if score is None or floor is None or ceiling is None:
            return None
        if score.value is None or floor.value is None or ceiling.value is None:
            return None
        low, span = floor.value, ceiling.value - floor.value
        if span <= 0:
            return Score(None, reason="the oracle is no better than the constant word")
        return Score(
            value=(score.value - low) / span,
            ci_low=None if score.ci_low is None else (score.ci_low - low) / span,
            ci_high=None if score.ci_high is None else (score.ci_high - low) / span,
            n=score.n,
            n_unlabelled=score.n_unlabelled,
            chance=None if score.chance is None else (score.chance - low) / span,
            ceiling=1.0,
            circular=score.circular,
            reason=score.reason,
        )


def build_sheets(cells: Sequence[Cell]) -> list[Sheet]:
    """Group scored cells by condition, name the rows, sort them, add the controls.

    Args:
        cells: In any order; the result does not depend on it.

    Returns:
        One sheet per condition, in the order in which a page shows them.
    """
    cells = sorted(cells, key=lambda cell: (cell.record.board, cell.record.key))
    labels = name_rows([cell.record for cell in cells])
    pairs: list[tuple[Cell, ScoreSet | None]] = []
    named: list[str] = []
    for cell, label in zip(cells, labels, strict=True):
        pairs += [(cell, scores) for scores in cell.scores]
        named += [label] * len(cell.scores)
    grouped: dict[Condition, list[tuple[str, Cell, ScoreSet]]] = defaultdict(list)
    for condition, label, (cell, scores) in zip(name_conditions(pairs), named, pairs, strict=True):
        if scores is not None:
            grouped[condition].append((label, cell, scores))
    return [_sheet(key, grouped[key]) for key in sorted(grouped, key=lambda key: key.order)]


def _sheet(condition: Condition, members: list[tuple[str, Cell, ScoreSet]]) -> Sheet:
    counts = Counter(label for label, _, _ in members)
    # Where nothing that a reader would recognise tells two apart, the key does.
    members = [
        (name if counts[name] == 1 else f"{name} #{cell.record.key[:6]}", cell, scores)
        for name, cell, scores in members
    ]
    methods = []
    shuffled = {}
    for label, cell, scores in members:
        share = cell.joined.get(scores.skey, 0.0)
        methods.append(Row(label, True, scores.scores, cell.record, "", scores, share))
        if "shuffled" in scores.controls:
            note = f"labels of {label}"
            shuffled[label] = Row("shuffled", False, scores.controls["shuffled"], cell.record, note)
    headline = next((name for name in HEADLINES if any(_has(row, name) for row in methods)), "")
    methods.sort(key=lambda row: (-_worth(row, headline), row.label))
    place = {row.label: number for number, row in enumerate(methods)}
    # Controls of a set belong to all; free text has none, so the best method lends its words.
    members.sort(key=lambda member: 0 if _closed(member[1]) else 1 + place[member[0]])
    strangers = any(is_imported(cell.record) for _, cell, _ in members)
    controls, notes = (_shared if strangers else _controls)(members)
    notes += outdated([(label, cell.record, scores) for label, cell, scores in members])
    for row in methods:
        if row.label in shuffled:
            controls["shuffled"] = shuffled[row.label]
            break
    rows = [*methods, *(controls[name] for name in CONTROLS if name in controls)]
    return Sheet(
        condition,
        headline,
        tuple(rows),
        shuffled,
        any(scores.circular for _, _, scores in members),
        notes + tuple(filter(None, [warn_of_joined(methods)])),
    )


def _controls(
    members: Sequence[tuple[str, Cell, ScoreSet]],
) -> tuple[dict[str, Row], tuple[str, ...]]:
    """The controls that belong to the condition, and a note where files disagree on them.

    Args:
        members: Label, cell and scores of each row, those that chose from a set first.
    """
    rows: dict[str, Row] = {}
    source: dict[str, str] = {}
    notes = []
    for name in ("oracle", "constant", "listed", "chance"):
        for label, cell, scores in members:
            if name not in scores.controls:
                continue
            if name not in rows:
                found = scores.controls[name]
                note = _word(name, found)
                if writes(cell.record) and name in ("oracle", "constant"):
                    said = _word(name, found, "sentence")
                    note = "; ".join(filter(None, (f"in the words of {label}", said)))
                rows[name] = Row(name, False, found, cell.record, note)
                source[name] = label
            elif _closed(cell) and _differ(rows[name].scores, scores.controls[name]):
                notes.append(
                    f"The {name} control of {label} differs from that of {source[name]}, which "
                    "is shown: their scored units or words differ."
                )
    return rows, tuple(notes)


def _shared(
    members: Sequence[tuple[str, Cell, ScoreSet]],
) -> tuple[dict[str, Row], tuple[str, ...]]:
    """As `_controls`, where rows have words of their own and no set in common."""
    rows = {}
    for name in ("oracle", "constant", "listed", "chance"):
        own = [(label, s.controls[name]) for label, _, s in members if name in s.controls]
        if own:
            found, lender = shared_control(name, own)
            note = "; ".join(filter(None, (lender, _word(name, found))))
            rows[name] = Row(name, False, found, members[0][1].record, note)
    return rows, ()


def _closed(cell: Cell) -> bool:
    return cell.record.method.get("vocabulary", _CLOSED[0]) in _CLOSED


def _word(name: str, scores: Mapping[str, Score], kind: str = "word") -> str:
    """The constant control's word or words: one per metric, as each has a best of its own."""
    if name != "constant":
        return ""
    words: dict[str, list[str]] = defaultdict(list)
    for metric in sorted(scores):
        word = named_word(scores[metric])
        if word and metric in METRICS:
            words[word].append(metric)
    if len(words) == 1:
        return f"the {kind} {next(iter(words))}"
    return "; ".join(f"{word} ({', '.join(metrics)})" for word, metrics in sorted(words.items()))


def _differ(first: Mapping[str, Score], second: Mapping[str, Score]) -> bool:
    """Whether two files disagree on a value that both have."""
    for name in first.keys() & second.keys():
        one, other = first[name].value, second[name].value
        if one is not None and other is not None and abs(one - other) > _TOLERANCE:
            return True
    return False


def _has(row: Row, name: str) -> bool:
    score = row.scores.get(name)
    return score is not None and score.value is not None


def _worth(row: Row, name: str) -> float:
    score = row.scores.get(name)
    if score is None or score.value is None:
        return float("-inf")
    return score.value if score.higher_is_better else -score.value
