"""Rows whose labels others made: how they are called, and the controls that they share.

Nothing is known here of the probe images that such labels were made on or of the words that they
were chosen from, so all imported rows of a layer stand in one column, whatever their vocabularies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.markdown import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leaderboards.board import Board
    from leaderboards.record import Record
    from metrics.scores import Score

WORDS = "labels in use"
"""What the controls of such a column choose from."""

_SAID = """\
*Imported* labels were made by others and are only scored here. By which images and from which
words is not known, so all imported rows of a layer share one column and are judged alike. Its
**constant** is the best of all labels in use in the column, said of every unit; there is an
**oracle** only where each row has one, and **chance** for the nearest true name alone. Sentences
are right where they mention the true name and no other; scores that need activations have no
value."""


def is_imported(record: Record) -> bool:
    """Whether a record's labels were made elsewhere."""
    return record.origin != "measured"


def row_name(record: Record) -> str:
    """The method's name; with its origin where the labels were made elsewhere."""
    name = str(record.method.get("name", "?"))
    return f"{name} ({record.origin})" if is_imported(record) else name


def column_words(record: Record) -> tuple[str, str] | None:
    """What stands in place of probe set and concept set; None where these are known."""
    return (f"{record.origin} labels", "own words") if is_imported(record) else None


def shared_control(
    name: str, found: Sequence[tuple[str, Mapping[str, Score]]]
) -> tuple[dict[str, Score], str]:
    """One control for rows of different words, from each row's own.

    A floor is the best of the rows' own: for the constant that is just the best label of all that
    are in use. A ceiling would have to hold for every row, so it is missing where one lacks it.

    Args:
        name: Of the control.
        found: Each row's label and its scores of this control.

    Returns:
        Scores by name, and whose they are.
    """
    scores: dict[str, Score] = {}
    lenders: dict[str, None] = {}
    for metric in sorted({metric for _, own in found for metric in own}):
        entries = [(label, own[metric]) for label, own in found if metric in own]
        missing = [score for _, score in entries if score.value is None]
        valued = [(label, score) for label, score in entries if score.value is not None]
        if not valued or (name == "oracle" and missing):
            scores[metric] = missing[0]
            continue
        label, scores[metric] = max(valued, key=lambda entry: _worth(entry[1]))
        lenders[label] = None
    return scores, "in the words of " + " and ".join(lenders) if lenders else ""


def _worth(score: Score) -> float:
    assert score.value is not None
    return score.value if score.higher_is_better else -score.value


def imported_section(board: Board) -> list[str]:
    """How imported rows are to be read, and where each comes from; nothing where there is none."""
    records = {
        row.record.key: (row.label, row.record)
        for sheet in board.sheets
        for row in sheet.methods
        if is_imported(row.record)
    }
    if not records:
        return []
    return ["## Where imported labels come from", _SAID, "\n".join(_sources(records.values()))]


def _sources(rows: Iterable[tuple[str, Record]]) -> list[str]:
    lines = []
    for label, record in rows:
        place = f"{record.target.get('name')} {record.target.get('layer')}"
        source = escape(str(record.method.get("source")), 400)
        lines.append(f"- {escape(label)}, {escape(place)}: {source}")
    return sorted(lines)
