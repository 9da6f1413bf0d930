"""Figures that others published, and when one of ours may be set against them.

They stand in published_figures.csv with their sources, and beside our tables they are marked as
reported. A difference is taken only where the same judge looked at as many units by the same
rules: a cosine of one sentence encoder says nothing about a cosine of another.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from leaderboards.markdown import escape, table

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.scores import ScoreSet
    from leaderboards.sheets import Sheet

FILE = Path(__file__).with_name("published_figures.csv")

_HUB = {"all-mpnet-base-v2": ("all-mpnet-base-v2", "sentence-transformers/all-mpnet-base-v2")}
"""Names on the hub of the sentence encoders that published figures were judged by."""

_SAID = """\
Printed or stored by others, not measured here, and marked *reported* for that. No difference from
the tables above is shown where the judge, the label rules or the units are not the same: cosines of
two sentence encoders cannot be compared."""


@dataclass(frozen=True)
class Figure:
    """One published number, as in a line of the file; all texts.

    Attributes:
        target: The network, as records name it.
        layer: Its layer.
        method: The method, as rows name it.
        probe_set: As the source has it; empty where it uses none.
        concept_set: Likewise.
        metric: Our name of the score.
        judge: The model that scores, or "labels".
        label_rules: "official", "mended", or empty where labels are not compared.
        units: How many units it is over; empty where that is not known.
        value: As printed.
        scale: "cosine" or "%".
        origin: "reported".
        table: Paper and table.
        source: Where the number was read.
        seen_in: What kind of place that is.
    """

    target: str
    layer: str
    method: str
    probe_set: str
    concept_set: str
    metric: str
    judge: str
    label_rules: str
    units: str
    value: str
    scale: str
    origin: str
    table: str
    source: str
    seen_in: str

    @property
    def number(self) -> float:
        """The value on the scale of our scores."""
        return float(self.value) / (100 if self.scale == "%" else 1)


@cache
def load_figures(path: Path = FILE) -> tuple[Figure, ...]:
    """The figures of a file; none where there is no such file."""
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as stream:
        names = [field.name for field in fields(Figure)]
        return tuple(Figure(*(row[name] for name in names)) for row in csv.DictReader(stream))


def comparable(figure: Figure, scores: ScoreSet) -> bool:
    """Whether a figure and our score of its metric mean the same.

    Args:
        figure: What was published.
        scores: What our labels were judged by.
    """
    scoring = scores.scoring
    truth, rules, sentence = (
        value if isinstance(value, dict) else {}
        for value in (scoring.get(name) for name in ("truth", "rules", "sentence"))
    )
    if "units" in scoring or figure.units != str(truth.get("units")):
        return False
    if figure.metric == "sentence_cosine":
        known = {f"hub:{name}" for name in _HUB.get(figure.judge, ())}
        return sentence.get("weights") in known
    if figure.judge == "labels":
        return (figure.label_rules == "official") == bool(rules.get("official_labels"))
    return False


def difference(figure: Figure, scores: ScoreSet) -> float | None:
    """Our score minus the published one; None where they do not mean the same."""
    own = scores.scores.get(figure.metric)
    if own is None or own.value is None or not comparable(figure, scores):
        return None
    return own.value - figure.number


def published_section(board: Board) -> list[str]:
    """The figures about the board's networks; nothing where there is none."""
    places = dict.fromkeys(_place(sheet) for sheet in board.sheets)
    own = [figure for figure in load_figures() if (figure.target, figure.layer) in places]
    if not own:
        return []
    header = ["reported", "probe set", "concepts", "score", "judge", "over", "value"]
    judged = [_ours(board, figure) for figure in own]
    if any(judged):
        header.append("ours − reported")
    rows = []
    for figure, found in zip(own, judged, strict=True):
        over = f"{figure.units} units" if figure.units else "not stated"
        rules = (
            f"{figure.judge}, {figure.label_rules} rules" if figure.label_rules else figure.judge
        )
        value = f"{figure.value} %" if figure.scale == "%" else figure.value
        texts = [f"{figure.target} {figure.layer}: {figure.method}", figure.probe_set]
        texts += [figure.concept_set, figure.metric, rules, over, value]
        texts += [found or "—"] if any(judged) else []
        rows.append([escape(text or "—") for text in texts])
    sources = dict.fromkeys((figure.table, figure.source, figure.seen_in) for figure in own)
    lines = [f"- {escape(name)}: {escape(source, 300)} ({kind})" for name, source, kind in sources]
    return ["## Published figures", _SAID, table(header, rows), "\n".join(lines)]


def _ours(board: Board, figure: Figure) -> str:
    found = (
        difference(figure, row.judged)
        for sheet in board.sheets
        if _place(sheet) == (figure.target, figure.layer)
        for row in sheet.methods
        if row.record.method.get("name") == figure.method and row.judged is not None
    )
    return "; ".join(f"{value:+.4f}" for value in found if value is not None)


def _place(sheet: Sheet) -> tuple[str, str]:
    target = sheet.methods[0].record.target if sheet.methods else {}
    return str(target.get("name")), str(target.get("layer"))
