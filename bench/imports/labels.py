"""From a table's lines to labels of a layer's units: every unit known, and none twice."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.errors import UserError, nearest
from bench.imports.lists import read_lists
from bench.imports.table import Line, Table, read_table
from bench.run.labels import WRITTEN
from metrics.formulas import clean_mask_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KEPT = 10
"""Labels of a unit that are kept, as of every record."""

MASK_LABELS, FREE_TEXT = "mask labels", "free text"
_NETDISSECT = frozenset({"unit", "category", "label", "score"})
"""Columns of the tables that Network Dissection writes (tally.csv), whose labels are of masks."""


@dataclass(frozen=True)
class Columns:
    """How a table is to be read.

    Attributes:
        unit: Column of the unit.
        label: Column of the label.
        layer: Column of the layer; where the table has none, all lines are about the layer.
        layer_given: Whether the user named that column, so that it must be there.
        score: Column of the label's score; empty for none.
        rank: Column of the label's rank (1 = best); empty for one label a unit.
        first_unit: The number of the layer's first unit, 0 or 1.
    """

    unit: str = "unit"
    label: str = "label"
    layer: str = "layer"
    layer_given: bool = False
    score: str = ""
    rank: str = ""
    first_unit: int = 0

    @property
    def wanted(self) -> dict[str, str]:
        """The option that chooses each column that must be there."""
        optional = {
            self.layer: "--layer-column" if self.layer_given else "",
            self.score: "--score-column" if self.score else "",
            self.rank: "--rank-column" if self.rank else "",
        }
        must = {self.unit: "--unit-column", self.label: "--label-column"}
        return must | {column: option for column, option in optional.items() if option}


@dataclass(frozen=True)
class Labels:
    """Labels as read.

    Attributes:
        table: Columns unit (from 0), rank (1 = best), label, score (NaN where there is none), and
            of mask labels `written`, the label as the file has it.
        units: The units that the file is about, ascending; some may have an empty label.
        vocabulary: Where the labels come from.
        ranked: Whether some unit has more than one label.
        notes: What a reader of the record should know.
        lists: Whether each line of the file held a list of labels.
    """

    table: pd.DataFrame
    units: tuple[int, ...]
    vocabulary: str
    ranked: bool
    notes: tuple[str, ...]
    lists: bool = False


def read_labels(
    path: str, columns: Columns, layer: str, n_units: int, vocabulary: str | None = None
) -> Labels:
    """Read and check a file of labels.

    Args:
        path: The file.
        columns: How to read it.
        layer: The layer that is wanted.
        n_units: How many units it has.
        vocabulary: Where the labels come from; None to go by the table's header.

    Raises:
        UserError: The table breaks a rule; says which line.
    """
    table = read_table(path, columns.wanted)
    lines = _of_layer(path, table, columns, layer)
    notes = []
    if vocabulary is None:
        netdissect = set(table.columns) >= _NETDISSECT
        vocabulary = MASK_LABELS if netdissect else FREE_TEXT
        why = "the header is Network Dissection's" if netdissect else "nothing else was said"
        notes.append(f"labels are read as {vocabulary}: {why}")
    lists = read_lists(lines, columns.label)
    if lists is not None:
        _check_lists(path, columns)
        notes.append("labels are read as lists, the best label of a unit first")
    masks = vocabulary == MASK_LABELS
    found: dict[int, dict[int, str]] = {}
    rows = []
    for number, line in enumerate(lines):
        unit = _unit(line, columns, n_units)
        rank = _rank(line, columns)
        _once(line, found, unit, rank, columns)
        found.setdefault(unit, {})[rank] = line.where
        own = ((_label(line, columns), _score(line, columns)),) if lists is None else lists[number]
        for place, (written, score) in enumerate(own, start=rank):
            label = clean_mask_label(written) if masks else written
            if label:
                rows.append((unit, place, label, score, written))
    if not rows:
        raise UserError(
            "no line holds a label",
            where=f"{path}: column {columns.label!r}",
            hint="say which column holds the labels: --label-column COLUMN",
        )
    if masks:
        notes.append('"-s" and "-c" at the end of labels are dropped, "_" is a blank')
    if len(found) < n_units:
        notes.append(f"partial: the file is about {len(found):,} of the layer's {n_units:,} units")
        # All but one of the layer's units, and that one the first: most likely it counts from 1.
        if columns.first_unit == 0 and 0 not in found and len(found) == max(found):
            notes.append("unit 0 is not in the file; if it counts from 1, give --first-unit 1")
    kept, dropped = _best(rows)
    if not masks:
        kept = kept.drop(columns=WRITTEN)
    if dropped:
        notes.append(f"labels beyond the {KEPT} best of a unit are left out: {dropped:,}")
    ranked = bool((kept["rank"] > 1).any())
    units = tuple(sorted(found))
    return Labels(kept, units, vocabulary, ranked, tuple(notes), lists is not None)


def _check_lists(path: str, columns: Columns) -> None:
    """Refuse lists of labels beside a column that would say their ranks or scores again."""
    for option, column in (("--rank-column", columns.rank), ("--score-column", columns.score)):
        if column:
            raise UserError(
                f"the labels are lists, which have their own order and scores, and {option} names "
                f"another column, {column!r}",
                where=f"{path}: column {columns.label!r}",
                hint=f"leave {option} out",
            )


def _of_layer(path: str, table: Table, columns: Columns, layer: str) -> Sequence[Line]:
    """The lines about one layer; all, where the table does not speak of layers."""
    if columns.layer not in table.columns:
        return table.lines
    own = [line for line in table.lines if str(line.cells.get(columns.layer)) == layer]
    if not own:
        layers = dict.fromkeys(str(line.cells.get(columns.layer)) for line in table.lines)
        shown = ", ".join(repr(name) for name in tuple(layers)[:20])
        raise UserError(
            f"the table has no line of layer {layer!r}; its layers are {shown}",
            where=f"{path}: column {columns.layer!r}",
            valid=nearest(layer, layers),
            hint="give one of these by --layer, or another column by --layer-column",
        )
    return own


def _whole(value: Any) -> int | None:
    """A whole number from 0 as CSV or JSON writes it; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    # int() would also take "1_000", "+3" and other scripts' digits: no table means those.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return None


def _unit(line: Line, columns: Columns, n_units: int) -> int:
    cell = line.cells.get(columns.unit)
    number = _whole(cell)
    if number is None:
        raise UserError(
            f"unit {cell!r} is no whole number from 0",
            where=line.where,
            hint=f"column {columns.unit!r} numbers the units; another one: --unit-column COLUMN",
        )
    unit = number - columns.first_unit
    if 0 <= unit < n_units:
        return unit
    hint = "is it about another layer or network?"
    if columns.first_unit == 0 and number == n_units:
        hint = "if the file counts from 1: --first-unit 1"
    elif unit < 0:
        hint = "if the file counts from 0: --first-unit 0"
    last = n_units - 1 + columns.first_unit
    raise UserError(
        f"unit {number} is unknown: the layer's {n_units} units are numbered "
        f"{columns.first_unit} to {last}",
        where=line.where,
        hint=hint,
    )


def _rank(line: Line, columns: Columns) -> int:
    if not columns.rank:
        return 1
    cell = line.cells.get(columns.rank)
    rank = _whole(cell)
    if not rank:
        raise UserError(
            f"rank {cell!r} is no whole number from 1",
            where=line.where,
            hint="1 is a unit's best label",
        )
    return rank


def _once(
    line: Line, found: Mapping[int, Mapping[int, str]], unit: int, rank: int, columns: Columns
) -> None:
    first = found.get(unit, {}).get(rank)
    if first is None:
        return
    number = unit + columns.first_unit
    again = f"rank {rank} of unit {number}" if columns.rank else f"unit {number}"
    raise UserError(
        f"{again} stands twice, first in line {first.rpartition(':')[2]}",
        where=line.where,
        hint="keep one line for each"
        if columns.rank
        else "keep one line a unit; several labels of one need --rank-column COLUMN",
    )


def _label(line: Line, columns: Columns) -> str:
    cell = line.cells.get(columns.label)
    if cell is None:
        return ""
    if not isinstance(cell, str):
        raise UserError(
            f"label {cell!r} is no text",
            where=line.where,
            hint="write it in quotes; another column: --label-column COLUMN",
        )
    return cell


def _score(line: Line, columns: Columns) -> float:
    cell = line.cells.get(columns.score) if columns.score else None
    if cell is None or cell == "":
        return math.nan
    with suppress(TypeError, ValueError, OverflowError):
        if not isinstance(cell, bool):
            return float(cell)
    raise UserError(
        f"score {cell!r} is no number",
        where=line.where,
        hint="leave the cell empty where there is none; another column: --score-column COLUMN",
    )


def _best(rows: Iterable[tuple[int, int, str, float, str]]) -> tuple[pd.DataFrame, int]:
    """The best labels of each unit, ranks counted anew from 1; and how many were left out."""
    table = pd.DataFrame(list(rows), columns=_COLUMNS)
    table = table.sort_values(["unit", "rank"], kind="stable", ignore_index=True)
    table["rank"] = table.groupby("unit").cumcount() + 1
    kept = table[table["rank"] <= KEPT].reset_index(drop=True)
    types = {"unit": "int64", "rank": "int64", "score": "float64"}
    return kept.astype(types), len(table) - len(kept)


_COLUMNS = pd.Index(["unit", "rank", "label", "score", WRITTEN])
