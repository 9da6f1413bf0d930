"""The controls of a condition, chosen from those of its rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from leaderboards.rows import Row
from leaderboards.scores import concept_of
from metrics.catalog import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leaderboards.record import Record
    from metrics.scores import Score

_SHARED = ("oracle", "constant", "listed", "chance")
"""Controls of a whole condition; each method has a shuffled control of its own."""

_TOLERANCE = 1e-6


def shuffled_control(row: Row) -> Row | None:
    """Return the row of a method's own labels in random order; None if it was not computed."""
    scores = _control(row, "shuffled")
    if scores is None:
        return None
    return Row("shuffled", False, scores, row.record, f"labels of {row.label}")


def choose_controls(methods: Sequence[Row]) -> tuple[dict[str, Row], tuple[str, ...]]:
    """Choose the controls of a condition, and note where methods disagree on them.

    Args:
        methods: The methods, those that chose from a set first.

    Returns:
        The rows by name, and sentences for a reader.
    """
    chosen: dict[str, Row] = {}
    notes: list[str] = []
    for name in _SHARED:
        own = [(row, scores) for row in methods if (scores := _control(row, name)) is not None]
        if not own:
            continue
        if any(row.record.is_imported for row in methods):
            chosen[name] = _combine(name, own, methods[0].record)
            continue
        (first, scores), *others = own
        note = _words(name, scores)
        if first.record.has_free_text and name in ("oracle", "constant"):
            note = _join(f"in the words of {first.label}", _words(name, scores, "sentence"))
        chosen[name] = Row(name, False, scores, first.record, note)
        notes += [
            f"The {name} control of {row.label} differs from that of {first.label}, which is "
            "shown: their scored units or words differ."
            for row, other in others
            if row.from_set and _differ(scores, other)
        ]
    return chosen, tuple(notes)


def _combine(name: str, own: Sequence[tuple[Row, Mapping[str, Score]]], record: Record) -> Row:
    """Make one control for rows of different words from each row's own.

    A floor is the best of the rows' own: the constant is then the best label of all that are in
    use. A ceiling has to hold for every row, so it is missing if one row has none.
    """
    scores: dict[str, Score] = {}
    sources: dict[str, None] = {}
    for metric in sorted({metric for _, control in own for metric in control}):
        found = [(row.label, control[metric]) for row, control in own if metric in control]
        missing = [score for _, score in found if score.value is None]
        if len(missing) == len(found) or (name == "oracle" and missing):
            scores[metric] = missing[0]
            continue
        label, scores[metric] = max(found, key=lambda pair: pair[1].goodness)
        sources[label] = None
    source = f"in the words of {' and '.join(sources)}" if sources else ""
    return Row(name, False, scores, record, _join(source, _words(name, scores)))


def _control(row: Row, name: str) -> Mapping[str, Score] | None:
    return row.score_set.controls.get(name) if row.score_set else None


def _words(name: str, scores: Mapping[str, Score], kind: str = "word") -> str:
    """Return the word of the constant control, or its words: each metric may have another best."""
    if name != "constant":
        return ""
    words: dict[str, list[str]] = defaultdict(list)
    for metric in sorted(scores):
        word = concept_of(scores[metric])
        if word and metric in METRICS:
            words[word].append(metric)
    if len(words) == 1:
        return f"the {kind} {next(iter(words))}"
    return "; ".join(f"{word} ({', '.join(metrics)})" for word, metrics in sorted(words.items()))


def _differ(first: Mapping[str, Score], second: Mapping[str, Score]) -> bool:
    """Return whether two files disagree on a value that both have."""
    for name in first.keys() & second.keys():
        one, other = first[name].value, second[name].value
        if one is not None and other is not None and abs(one - other) > _TOLERANCE:
            return True
    return False


def _join(*notes: str) -> str:
    return "; ".join(filter(None, notes))
