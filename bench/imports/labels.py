"""Labels of a layer's units from the lines of a table."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.errors import UserError, nearest
from bench.imports.lists import read_lists
from bench.imports.table import Line, Table, column_setting, read_table
from bench.run.labels import WRITTEN
from metrics.formulas import clean_mask_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KEPT = 10
"""Maximum labels of a unit, as in all records."""

MASK_LABELS, FREE_TEXT = "mask labels", "free text"
VOCABULARIES = ("concept set", MASK_LABELS, FREE_TEXT)
_NETDISSECT = frozenset({"unit", "category", "label", "score"})
"""Columns of Network Dissection's tables (tally.csv), whose labels are those of masks."""


@dataclass(frozen=True)
class Columns:
    """Columns of a table.

    Attributes:
        unit: Column of the unit.
        label: Column of the label.
        layer: Column of the layer; without this column, all lines belong to the layer.
        layer_given: Whether the user named that column, so that it is required.
        score: Column of the label's score; empty for none.
        rank: Column of the label's rank (1 = best); empty for one label per unit.
        first_unit: Number of the layer's first unit, 0 or 1.
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
        """The required columns, each with how to name another one."""
        names = {self.unit: "unit", self.label: "label"}
        names |= {self.layer: "layer"} if self.layer_given else {}
        names |= {self.score: "score"} if self.score else {}
        names |= {self.rank: "rank"} if self.rank else {}
        return {column: column_setting(name) for column, name in names.items()}


@dataclass(frozen=True)
class Labels:
    """The labels in a file.

    Attributes:
        table: Columns unit (from 0), rank (1 = best), label, score (NaN for none), and for mask
            labels `written`, the label as in the file.
        units: The units in the file, ascending; some may have an empty label.
        vocabulary: Source of the labels, one of `VOCABULARIES`.
        ranked: Whether some unit has more than one label.
        notes: Notes for the record.
        lists: Whether each line of the file contained a list of labels.
    """

    table: pd.DataFrame
    units: tuple[int, ...]
    vocabulary: str
    ranked: bool
    notes: tuple[str, ...]
    lists: bool = False


def read_labels(
    path: str,
    columns: Columns,
    layer: str,
    n_units: int,
    vocabulary: str | None = None,
    *,
    faults: list[UserError] | None = None,
) -> Labels:
    """Read and check a file of labels.

    Args:
        path: The file.
        columns: Its columns.
        layer: The layer.
        n_units: Its number of units.
        vocabulary: Source of the labels; None to detect it in the header.
        faults: List that the faults of all lines but the last are added to, which is raised; None
            to raise the first one.

    Raises:
        UserError: The table is invalid.
    """
    table = read_table(path, columns.wanted)
    lines = _select_layer(path, table, columns, layer)
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
        try:
            unit = _unit(line, columns, n_units)
            rank = _rank(line, columns)
            _check_unique(line, found, unit, rank, columns)
            found.setdefault(unit, {})[rank] = line.where
            single = ((_label(line, columns), _score(line, columns)),) if lists is None else ()
        except UserError as error:
            if faults is None:
                raise
            faults.append(error)
            continue
        own = single if lists is None else lists[number]
        for own_rank, (written, score) in enumerate(own, start=rank):
            label = clean_mask_label(written) if masks else written
            if label:
                rows.append((unit, own_rank, label, score, written))
    if faults:
        raise faults.pop()  # the caller has the others
    if not rows:
        raise UserError(
            "the column contains no label",
            where=f"{path}: column {columns.label!r}",
            hint=f"name the column of labels: {column_setting('label')}",
        )
    if masks:
        notes.append('"-s" and "-c" at the end of labels are dropped, "_" is a blank')
    if len(found) < n_units:
        notes.append(f"partial: the file is about {len(found):,} of the layer's {n_units:,} units")
        # If only unit 0 is missing, the file probably counts from 1.
        if columns.first_unit == 0 and 0 not in found and len(found) == max(found):
            notes.append(f"unit 0 is not in the file; if it counts from 1: {_first_unit(1)}")
    kept, dropped = _best(rows)
    if not masks:
        kept = kept.drop(columns=WRITTEN)
    if dropped:
        notes.append(f"labels beyond the {KEPT} best of a unit are left out: {dropped:,}")
    ranked = bool((kept["rank"] > 1).any())
    units = tuple(sorted(found))
    return Labels(kept, units, vocabulary, ranked, tuple(notes), lists is not None)


def _first_unit(number: int) -> str:
    """Return how to set the number of the first unit."""
    return f"--first-unit {number} or Columns(first_unit={number})"


def _check_lists(path: str, columns: Columns) -> None:
    """Check that lists of labels have no other columns of ranks or scores."""
    for kind, column in (("ranks", columns.rank), ("scores", columns.score)):
        if column:
            raise UserError(
                f"lists of labels have their own order and scores: the column {column!r} of {kind} "
                "is not used",
                where=f"{path}: column {columns.label!r}",
                hint=f"name no column of {kind}",
            )


def _select_layer(path: str, table: Table, columns: Columns, layer: str) -> Sequence[Line]:
    """Return the lines of one layer; all if the table has no column of layers."""
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
            hint=f"give one of these layers, or another column: {column_setting('layer')}",
        )
    return own


def _whole(value: Any) -> int | None:
    """Return a whole number from 0 in CSV or JSON; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    # int() also accepts "1_000", "+3" and digits of other scripts.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return None


def _unit(line: Line, columns: Columns, n_units: int) -> int:
    cell = line.cells.get(columns.unit)
    number = _whole(cell)
    if number is None:
        raise UserError(
            f"unit {cell!r} is not a whole number from 0",
            where=line.where,
            hint=f"the column of units is {columns.unit!r}; for another: {column_setting('unit')}",
        )
    unit = number - columns.first_unit
    if 0 <= unit < n_units:
        return unit
    hint = "check that the file belongs to this layer and network"
    if columns.first_unit == 0 and number == n_units:
        hint = f"if the file counts from 1: {_first_unit(1)}"
    elif unit < 0:
        hint = f"if the file counts from 0: {_first_unit(0)}"
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
            f"rank {cell!r} is not a whole number from 1",
            where=line.where,
            hint="the best label of a unit has rank 1",
        )
    return rank


def _check_unique(
    line: Line, found: Mapping[int, Mapping[int, str]], unit: int, rank: int, columns: Columns
) -> None:
    first = found.get(unit, {}).get(rank)
    if first is None:
        return
    number = unit + columns.first_unit
    again = f"rank {rank} of unit {number}" if columns.rank else f"unit {number}"
    raise UserError(
        f"{again} appears twice, first in line {first.rpartition(':')[2]}",
        where=line.where,
        hint="keep one line for each"
        if columns.rank
        else "keep one line per unit; several labels of a unit need a column of ranks: "
        + column_setting("rank"),
    )


def _label(line: Line, columns: Columns) -> str:
    cell = line.cells.get(columns.label)
    if cell is None:
        return ""
    if not isinstance(cell, str):
        raise UserError(
            f"label {cell!r} is not a text",
            where=line.where,
            hint=f"write it in quotes; for another column: {column_setting('label')}",
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
        f"score {cell!r} is not a number",
        where=line.where,
        hint="leave the cell empty without a score; for another column: " + column_setting("score"),
    )


def _best(rows: Iterable[tuple[int, int, str, float, str]]) -> tuple[pd.DataFrame, int]:
    """Return the best labels of each unit, with new ranks from 1, and the number of others."""
    table = pd.DataFrame(list(rows), columns=_COLUMNS)
    table = table.sort_values(["unit", "rank"], kind="stable", ignore_index=True)
    table["rank"] = table.groupby("unit").cumcount() + 1
    kept = table[table["rank"] <= KEPT].reset_index(drop=True)
    types = {"unit": "int64", "rank": "int64", "score": "float64"}
    return kept.astype(types), len(table) - len(kept)


_COLUMNS = pd.Index(["unit", "rank", "label", "score", WRITTEN])
