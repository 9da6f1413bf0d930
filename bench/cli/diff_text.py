"""Differences between records as text for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from leaderboards.cells import Cell
from leaderboards.naming import name_cells
from leaderboards.pages.markdown import clean
from metrics.catalog import METRICS, metric_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from leaderboards.diff import Difference, Entry, RecordDiff

_UNITS = 20
"""Most units that the terminal shows."""

_SETTINGS = 3
"""Most settings that the line of a cell names."""

_CELL = 40
"""Most characters in a cell of a table."""


def record_text(diff: RecordDiff) -> str:
    """Return all that differs between two records, and the times of both."""
    sides = (("A", diff.a), ("B", diff.b))
    lines = [
        f"{side}: {clean(str(record.method['name']))} {clean(record.key)}" for side, record in sides
    ]
    lines.append("keys: equal" if diff.a.key == diff.b.key else "keys: different")
    lines.append(f"settings: {len(diff.settings) or 'none'} differ")
    lines += [f"  {_setting(one)}" for one in diff.settings]
    lines += _labels(diff)
    lines += _scores(diff)
    if len(diff.times):
        lines.append("seconds in the last timed run, which count as no difference:")
        lines.append(_table(diff.times.rename_axis("phase").reset_index(), digits=2))
    if diff.is_empty:
        lines.append("the records are equal")
    return "".join(f"{line}\n" for line in lines)


def folders_text(
    a: Sequence[Entry],
    b: Sequence[Entry],
    pairs: Sequence[tuple[Entry | None, Entry | None]],
    found: Sequence[RecordDiff | str],
) -> str:
    """Return a line for each cell that differs or is missing, and how many there are.

    Args:
        a: Records of one folder.
        b: Records of the other.
        pairs: Records of one cell.
        found: For each pair what differs, or why it is not compared.
    """
    names = _names(b) | _names(a)
    counts: Counter[str] = Counter()
    lines = []
    for (own, other), one in zip(pairs, found, strict=True):
        entry = own or other
        assert entry is not None
        record = entry[1]
        if isinstance(one, str):
            what = clean(one, 300)
            counts[what if own is None or other is None else "not comparable"] += 1
        elif one.is_empty:
            counts["equal"] += 1
            continue
        else:
            what = _summary(one)
            counts["different"] += 1
        lines.append(f"{names[record.board, record.key]}: {what}")
    total = ", ".join(f"{count} {what}" for what, count in counts.items())
    return "".join(f"{line}\n" for line in [*lines, f"cells: {total}"])


def _names(entries: Sequence[Entry]) -> dict[tuple[str, str], str]:
    """Return the names that a board gives to cells, by board and key."""
    return {
        (one.cell.record.board, one.cell.record.key): clean(
            f"{one.row} on {one.condition.title}", 200
        )
        for one in name_cells(Cell(record) for _, record in entries)
    }


def _summary(diff: RecordDiff) -> str:
    """Return how much differs between two records in one line."""
    parts = []
    if len(diff.labels):
        parts.append(f"{len(diff.labels)} of {diff.n_units} labels")
    if len(diff.scores):
        parts.append(f"{len(diff.scores)} of {diff.n_scores} scores")
    names = [clean(one.name) for one in diff.settings]
    more = [f"{len(names) - _SETTINGS} more settings"] if len(names) > _SETTINGS else []
    return ", ".join([*parts, *names[:_SETTINGS], *more])


def _setting(one: Difference) -> str:
    name = clean(one.name)
    if one.a is None or one.b is None:
        side, value = ("B", one.b) if one.a is None else ("A", one.a)
        return f"{name}: only in {side}: {clean(value or '')}"
    return f"{name}: {clean(one.a)} | {clean(one.b)}"


def _labels(diff: RecordDiff) -> list[str]:
    """Return the units whose first labels differ, with a line above."""
    labels = diff.labels
    if not diff.n_units:
        return ["labels: not compared, since the units are of different layers or targets"]
    if not len(labels):
        return [f"labels: all of {diff.n_units} units are equal"]
    right_a, right_b = (labels[name].fillna(False) for name in ("right_a", "right_b"))
    only_a, only_b = (right_a & ~right_b).sum(), (right_b & ~right_a).sum()
    count = f"{len(labels)} of {diff.n_units} units differ"
    lines = [
        f"labels: {count}; right only in A: {only_a}, only in B: {only_b}",
        _table(labels.drop(columns=["key_a", "key_b"])[:_UNITS]),
    ]
    if len(labels) > _UNITS:
        lines.append(f"  and {len(labels) - _UNITS} more units: --csv FILE writes all")
    return lines


def _scores(diff: RecordDiff) -> list[str]:
    """Return the scores of the labels that differ, with a line above that counts all."""
    lines = [f"scores: {len(diff.scores) or 'none'} of {diff.n_scores} differ"]
    shown = diff.scores[diff.scores["score"].isin(list(METRICS))]
    # CLIP's text tower is the labelling encoder's, not the sentence encoder that the row names.
    judged = shown["score"].map(lambda name: metric_of(name).judged and "clip" not in name)
    shown = shown.assign(judge=shown["judge"].where(judged, "")).drop(columns="scores")
    shown = shown.drop_duplicates()
    if len(shown):
        change = (shown["b"] - shown["a"]).map("{:+.2g}".format).replace("+nan", "")
        lines.append(_table(shown.assign(difference=change)))
    return lines


def _table(table: pd.DataFrame, digits: int = 4) -> str:
    """Return a table with two spaces before each line."""

    def show(value: object) -> str:
        if isinstance(value, float):
            return f"{value:.{digits}f}"
        return clean(str(value), _CELL) or "-"

    values = table.astype(object).where(table.notna(), "")
    text = values.map(show).to_string(index=False)
    return "\n".join(f"  {line.rstrip()}" for line in text.splitlines())
