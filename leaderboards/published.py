"""Published figures, and whether one of our scores can be compared with them.

published_figures.csv holds the figures with their sources. A figure and a score are comparable if
the same judge scored the same number of units by the same rules: cosines of two sentence encoders
are not comparable. `leaderboards.reproduction` also checks the encoder that made the labels.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaderboards.judge_names import MPNET, judge_name
from leaderboards.reading import READING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leaderboards.scores import ScoreSet

FILE = Path(__file__).with_name("published_figures.csv")

CLIP = "CLIP ViT-B/16"

_PERCENT = 100


@dataclass(frozen=True)
class Figure:
    """One published number, a line of the file; all fields are texts.

    Attributes:
        experiment: The experiment of ours that makes the same table; empty for none.
        target: The network, by the name of its choice.
        layer: Its layer, or several.
        method: The method's registered name.
        variant: Its similarity function; empty for none.
        probe_set: By the name of its choice; empty where that is not known.
        concept_set: Likewise; empty where the method has its own words.
        metric: Our name of the score, or a name of its own for one that we do not have.
        protocol: How it was scored, in words: figures of different protocols cannot be compared.
        judge: The model that scores, "labels" or "clock".
        label_rules: "official", "mended" (the default), or empty where both agree; "official" of a
            cosine whose notebook embeds mask labels as their file has them.
        units: Number of units; empty where it is not known.
        value: As printed; empty where we have not seen it.
        rerun: The same from a third party's run of the authors' code; empty for none.
        scale: Its unit, such as "cosine", "%", "rank", "AUC" or "minutes".
        origin: "reported".
        table: Paper and table.
        source: Where the number was read.
        rerun_source: Where the rerun was read.
        seen_in: Kind of that source; "reading note" for a third party's summary of a paper whose
            tables were not seen.
    """

    experiment: str
    target: str
    layer: str
    method: str
    variant: str
    probe_set: str
    concept_set: str
    metric: str
    protocol: str
    judge: str
    label_rules: str
    units: str
    value: str
    rerun: str
    scale: str
    origin: str
    table: str
    source: str
    rerun_source: str
    seen_in: str

    @property
    def seen(self) -> bool:
        """Whether the number is known."""
        return bool(self.value)

    @property
    def number(self) -> float | None:
        """The value on the scale of our scores; None where it is not known."""
        if not self.seen:
            return None
        return float(self.value) / (_PERCENT if self.scale == "%" else 1)

    @property
    def label(self) -> str:
        """The method and its variant, as rows are labelled."""
        return f"{self.method} {self.variant}".strip()

    def shown(self, value: str) -> str:
        """Return a number on this figure's scale as a text."""
        if not value:
            return "not seen"
        return f"{value} %" if self.scale == "%" else value


@cache
def load_figures(path: Path = FILE) -> tuple[Figure, ...]:
    """Return the figures of a file; none if it does not exist."""
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as stream:
        names = [field.name for field in fields(Figure)]
        return tuple(Figure(*(row[name] for name in names)) for row in csv.DictReader(stream))


def mismatch(figure: Figure, scores: ScoreSet) -> str:
    """Return why a figure and our score of its metric are not comparable; empty if they are.

    Args:
        figure: What was published.
        scores: Scores of our labels.
    """
    scoring = scores.scoring
    truth, rules = (_mapping(scoring.get(name)) for name in ("truth", "rules"))
    own_units = _units(figure, scores)
    if figure.metric.startswith("decision"):
        return _other_judge(figure, scoring) or _other_size(figure.units, own_units, "images")
    if "units" in scoring:
        return "only some units are scored"
    other_size = _other_size(figure.units, truth.get("units"), "units")
    if other_size:
        return other_size
    if figure.judge != "labels":
        return _other_judge(figure, scoring) or _other_texts(figure, scoring)
    if (figure.label_rules == "official") != bool(rules.get("official_labels")):
        return f"{figure.label_rules} label rules"
    return ""


def difference(figure: Figure, scores: ScoreSet) -> float | None:
    """Return our score minus the published one; None if they are not comparable."""
    own = scores.scores.get(figure.metric)
    if own is None or own.value is None or figure.number is None or mismatch(figure, scores):
        return None
    return own.value - figure.number


def _units(figure: Figure, scores: ScoreSet) -> int | None:
    own = scores.scores.get(figure.metric)
    return own.n if own is not None else None


def _other_size(wanted: str, own: object, of: str) -> str:
    # An unknown number is never equal.
    return "" if wanted and wanted == str(own) else f"over {wanted or 'an unknown number of'} {of}"


def _other_judge(figure: Figure, scoring: Mapping[str, Any]) -> str:
    """Return the judge that the figure needs, if ours is another one."""
    if MPNET in figure.judge and judge_name(_mapping(scoring.get("sentence"))) != MPNET:
        return f"judged by {MPNET}"
    if CLIP in figure.judge and not is_vit_b_16(_mapping(scoring.get("clip_text"))):
        return f"judged by {CLIP} of OpenAI"
    return ""


def _other_texts(figure: Figure, scoring: Mapping[str, Any]) -> str:
    """Return the texts that the figure's judge embedded, if ours embedded other ones."""
    if figure.label_rules == "official" and not _mapping(scoring.get(READING)).get("mask_labels"):
        return "labels embedded as in the authors' file (official label rules)"
    return ""


def is_vit_b_16(encoder: Mapping[str, Any]) -> bool:
    """Return whether a fingerprint is that of OpenAI's ViT-B/16 with bare words, as published."""
    weights = str(encoder.get("weights"))
    # With another activation function than in training, these weights give other cosines.
    own = weights == "open_clip:ViT-B-16-quickgelu/openai"
    return own and encoder.get("templates") == ["{}"]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
