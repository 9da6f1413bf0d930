"""The unit explorer: for each layer, the labels of every method, unit by unit."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leaderboards.pages.markdown import clean
from leaderboards.reading import plain_labels
from leaderboards.record_tables import DESCRIPTIONS
from leaderboards.site.addresses import layer_id, record_page
from metrics.catalog import CONCEPT_IOU, EXACT_CONCEPTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from leaderboards.cells import Cell
    from leaderboards.conditions import Condition
    from leaderboards.naming import NamedCell

SHOWN = 5
"""Labels of a method that a page shows."""

_LONGEST = 300
"""Characters of a label."""

_COLUMNS = {"unit": "int64", "rank": "int64", "label": "object", "score": "float64"}

UNJUDGED, WRONG, CLOSE, RIGHT = range(4)


@dataclass(frozen=True)
class View:
    """Cells of a layer with one probe set and one concept set.

    Attributes:
        name: Key of its data.
        probe: Name of the probe set.
        concepts: Name of the concept set.
        cells: One per method.
    """

    name: str
    probe: str
    concepts: str
    cells: tuple[NamedCell, ...]


@dataclass(frozen=True)
class Layer:
    """A layer whose units have labels.

    Attributes:
        condition: One of its conditions.
        views: Cells by probe set and concept set.
    """

    condition: Condition
    views: tuple[View, ...]

    @property
    def id(self) -> str:
        """Short name in names of files."""
        return layer_id(self.condition)

    @property
    def title(self) -> str:
        """Network and layer."""
        return f"{self.condition.target}, {self.condition.layer}"

    @property
    def probes(self) -> dict[str, list[NamedCell]]:
        """The cells by probe set."""
        found: dict[str, list[NamedCell]] = defaultdict(list)
        for view in self.views:
            found[view.probe] += view.cells
        return found


def find_layers(cells: Iterable[NamedCell]) -> list[Layer]:
    """Return the layers that some finished cell describes; control networks are left out."""
    places: dict[tuple[str, str, str], dict[tuple[str, str], list[NamedCell]]] = {}
    for named in cells:
        record, condition = named.cell.record, named.condition
        if record.status == "ok" and not record.target.get("control"):
            views = places.setdefault(condition.place, {})
            views.setdefault((condition.probe, condition.concepts), []).append(named)
    layers = []
    for place in sorted(places):
        views = places[place]
        first = next(iter(views.values()))[0].condition
        found = [
            View(f"{layer_id(first)}-{number}", probe, concepts, tuple(views[probe, concepts]))
            for number, (probe, concepts) in enumerate(sorted(views))
        ]
        layers.append(Layer(first, tuple(found)))
    return layers


def describe_layer(layer: Layer, pictures: Mapping[str, str], reasons: Mapping[str, str]) -> Any:
    """Return the data of a layer's page: true names, dead units, and names of further data.

    Args:
        layer: The layer.
        pictures: By probe set, the key of the data of its pictures.
        reasons: By probe set, why it has none.
    """
    cells = [named.cell for view in layer.views for named in view.cells]
    tables = [table for cell in cells if (table := _units(cell)) is not None]
    count = max((_count(cell) for cell in cells), default=0)
    truths, dead = [""] * count, np.zeros(count, bool)
    for table in tables:
        for unit, truth in zip(table["unit"], table["truth"], strict=True):
            truths[unit] = truths[unit] or clean(truth, _LONGEST)
        if "dead" in table:
            dead[table["unit"][table["dead"].astype(str) == "True"]] = True
    return {
        "truths": truths,
        "dead": np.flatnonzero(dead).tolist(),
        "views": [
            {
                "name": view.name,
                "probe": view.probe,
                "concepts": view.concepts,
                "methods": len(view.cells),
                "free": all(named.cell.record.has_free_text for named in view.cells),
            }
            for view in layer.views
        ],
        "pictures": dict(pictures),
        "reasons": {probe: clean(reason, _LONGEST) for probe, reason in reasons.items()},
    }


def describe_view(view: View) -> Any:
    """Return the labels of some cells.

    Returns:
        `texts`: the different labels; `methods`: for each its `name`, its record's `page`, and by
        unit `SHOWN` positions in `texts` (-1 for none), `SHOWN` scores, and the verdict on the
        first label as a digit: 0 where there is no true name, 1 wrong, 2 close, 3 right.
    """
    texts: dict[str, int] = {}
    methods = []
    for named in view.cells:
        labels, scores = _labels(named.cell, texts)
        methods.append(
            {
                "name": clean(named.row, _LONGEST),
                "page": record_page(named.cell.record),
                "labels": labels.ravel().tolist(),
                "scores": [
                    None if isnan(score) else float(f"{score:.4g}")
                    for score in scores.ravel().tolist()
                ],
                "verdicts": "".join(map(str, _verdicts(named.cell))),
            }
        )
    methods.sort(key=lambda one: (-one["verdicts"].count(str(RIGHT)), one["name"]))
    return {"texts": list(texts), "shown": SHOWN, "methods": methods}


def _labels(cell: Cell, texts: dict[str, int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the labels of each unit as positions in `texts`, which grows, and their scores."""
    count = _count(cell)
    labels = np.full((count, SHOWN), -1)
    scores = np.full((count, SHOWN), np.nan)
    table = _descriptions(cell)
    table = table[
        table["rank"].between(1, SHOWN)
        & table["unit"].between(0, count - 1)
        & (table["label"] != "")
    ]
    position = {
        text: texts.setdefault(clean(text, _LONGEST), len(texts))
        for text in table["label"].unique()
    }
    where = table["unit"].to_numpy(), table["rank"].to_numpy() - 1
    labels[where] = table["label"].map(position)
    scores[where] = table["score"]
    return labels, scores


def _descriptions(cell: Cell) -> pd.DataFrame:
    """Return a cell's labels: unit, rank, label, score; the first ones where the file is damaged.

    The file is parsed less strictly than by `read_descriptions`, in a tenth of the time.
    """
    try:
        if cell.folder is not None:
            return pd.read_csv(
                cell.folder / DESCRIPTIONS,
                usecols=list(_COLUMNS),
                dtype=_COLUMNS,
                keep_default_na=False,
                na_values={"score": [""]},
            )
    except (OSError, EOFError, ValueError, zlib.error):
        pass
    units = _units(cell)
    return pd.DataFrame(columns=pd.Index(_COLUMNS)) if units is None else units.assign(rank=1)


def _verdicts(cell: Cell) -> NDArray[np.int64]:
    """Return whether the first label of each unit is right, close or wrong, 0 without a truth."""
    found = np.full(_count(cell), UNJUDGED)
    units = _units(cell)
    if units is None:
        return found

    def column(name: str) -> NDArray[np.float64]:
        values = units[name] if name in units else np.zeros(len(units))
        numbers: NDArray[np.float64] = np.nan_to_num(np.asarray(values, float))
        return numbers

    lexical, concepts = column("lexical_match"), column(CONCEPT_IOU)
    if EXACT_CONCEPTS in units:
        right = column(EXACT_CONCEPTS) == 1
    else:
        right = (lexical == 1) | (column("accuracy_at_1") == 1)
    close = (lexical > 0) | (concepts > 0) | (column("nearest_name") == 1)
    verdicts = np.where(right, RIGHT, np.where(close, CLOSE, WRONG))
    named = (units["truth"] != "").to_numpy()
    found[units["unit"]] = np.where(named, verdicts, UNJUDGED)
    return found


def _units(cell: Cell) -> pd.DataFrame | None:
    table = cell.units.get(plain_labels(cell.scores).skey) if cell.scores else None
    return None if table is None else table[table["unit"] >= 0]


def _count(cell: Cell) -> int:
    """Return the number of a layer's units: as recorded, or one more than the last in a table."""
    table = _units(cell)
    last = -1 if table is None or table.empty else int(table["unit"].max())
    count = cell.record.target.get("units")
    return max(count if type(count) is int else 0, last + 1)
