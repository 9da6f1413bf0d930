"""Heat maps of sweeps: the score of each method by probe set and concept set."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboards.pages.numbers import show
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.site.ranking import Entry, RankedTable


@dataclass(frozen=True)
class Shade:
    """One field of a heat map.

    Attributes:
        text: The score; "" for none.
        percent: Strength of the colour, from 0 for the least score of the layer to 100 for the
            greatest; 0 for none.
        standing: As for `leaderboards.site.ranking.Entry`.
    """

    text: str
    percent: int = 0
    standing: str = ""


@dataclass(frozen=True)
class HeatMap:
    """The scores of one method on one layer.

    Attributes:
        method: Label of its row.
        fields: By probe set, in the order of `Sweep.probes`, one field per concept set.
    """

    method: str
    fields: tuple[tuple[Shade, ...], ...]


@dataclass(frozen=True)
class Sweep:
    """Heat maps of a layer that was described with several probe sets or concept sets.

    Attributes:
        layer: Network and layer.
        metric: Title of the score.
        probes: The rows.
        concepts: The columns.
        maps: One per method.
    """

    layer: str
    metric: str
    probes: tuple[str, ...]
    concepts: tuple[str, ...]
    maps: tuple[HeatMap, ...]


def heat_maps(tables: Sequence[RankedTable]) -> list[Sweep]:
    """Return the sweeps of a board: of layers with at least three conditions of one scoring.

    Methods with a score under one condition only are left out.

    Args:
        tables: Of the board.
    """
    sweeps = []
    for layer in dict.fromkeys((t.condition.place, t.condition.scoring, t.metric) for t in tables):
        own = [t for t in tables if (t.condition.place, t.condition.scoring, t.metric) == layer]
        if len(own) > 2 and layer[2] and (sweep := _sweep(own)):
            sweeps.append(sweep)
    return sweeps


def _sweep(tables: Sequence[RankedTable]) -> Sweep | None:
    metric = metric_of(tables[0].metric)
    found: dict[tuple[str, str, str], Entry] = {
        (row.label, table.condition.probe, table.condition.concepts): entry
        for table in tables
        for row in table.rows
        if row.kind == "method" and (entry := row.entries.get(table.metric)) is not None
    }
    counts = Counter(label for label, _, _ in found)
    found = {place: entry for place, entry in found.items() if counts[place[0]] > 1}
    if not found:
        return None
    values = [entry.estimate.goodness for entry in found.values()]
    low, span = min(values), (max(values) - min(values)) or 1.0

    def shade(entry: Entry | None) -> Shade:
        if entry is None:
            return Shade("")
        percent = round(100 * (entry.estimate.goodness - low) / span)
        return Shade(show(entry.estimate.value, metric.format, 2), percent, entry.standing)

    probes = tuple(dict.fromkeys(probe for _, probe, _ in found))
    concepts = tuple(dict.fromkeys(words for _, _, words in found))
    place = tables[0].condition
    return Sweep(
        ", ".join([place.target, place.layer, *([place.scoring] if place.scoring else [])]),
        metric.title,
        probes,
        concepts,
        tuple(
            HeatMap(
                label,
                tuple(
                    tuple(shade(found.get((label, probe, words))) for words in concepts)
                    for probe in probes
                ),
            )
            for label in dict.fromkeys(label for label, _, _ in found)
        ),
    )
