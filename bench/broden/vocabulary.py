"""The labels and categories of a tree, and each label's primary category."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines.spatial import MaskLabel
from bench.broden.layout import (
    CATEGORIES,
    CATEGORY_COLUMNS,
    CATEGORY_RULE,
    CODE_COLUMNS,
    LABEL_COLUMNS,
    LABELS,
    MATERIAL,
    codes_file,
    is_category,
    unknown_name,
    why_no_label,
)
from bench.broden.table import read_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Label:
    """A row of label.csv.

    Attributes:
        name: Published name.
        categories: Categories of the label ("material(36);object(3)"), without the counts.
        line: Line in label.csv.
    """

    name: str
    categories: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Vocabulary:
    """Content of label.csv and category.csv.

    Attributes:
        folder: Folder of the tree.
        labels: Labels by number, without 0, which means "no label".
        categories: Categories in the order of category.csv.
    """

    folder: Path
    labels: Mapping[int, Label]
    categories: tuple[str, ...]

    def select(self, wanted: Sequence[str] | None) -> tuple[str, ...]:
        """Return categories in the order of category.csv, whatever the order of `wanted`.

        Args:
            wanted: Names of categories; None or empty for all but material (the choice of Network
                Dissection), or for material if there are no others.

        Raises:
            UserError: There is no such category.
        """
        for name in wanted or ():
            if name not in self.categories:
                what = f"no category {name!r} in {self.folder / CATEGORIES}"
                raise unknown_name(what, name, self.categories, "probe.params.categories")
        if wanted:
            return tuple(name for name in self.categories if name in wanted)
        return tuple(name for name in self.categories if name != MATERIAL) or self.categories

    def concepts(self, selected: Sequence[str]) -> dict[int, MaskLabel]:
        """Return the labels of categories by number, sorted by primary category, then number.

        A label's primary category is the selected one with its largest coverage (column coverage
        of c_<category>.csv), the last one among equals. Labels without a selected category are
        excluded.

        Args:
            selected: Selected categories, in the order of category.csv.

        Raises:
            UserError: A c_<category>.csv is missing or damaged.
        """
        coverage = {category: self._coverage(category) for category in selected}
        primary: dict[int, int] = {}
        for number, label in self.labels.items():
            shares = [
                (coverage[category].get(number, 0.0), place)
                for place, category in enumerate(selected)
                if category in label.categories
            ]
            if shares:
                _, primary[number] = max(shares)
        ordered = sorted(primary, key=lambda number: (primary[number], number))
        return {
            number: MaskLabel(self.labels[number].name, selected[primary[number]])
            for number in ordered
        }

    def _coverage(self, category: str) -> dict[int, float]:
        table = read_table(self.folder / codes_file(category), CODE_COLUMNS)
        found = {}
        for line, (_, cell, _, _, share) in table.rows(CODE_COLUMNS):
            number = table.number(int, cell, "number", line)
            if number and number not in self.labels:
                hint = f"add it to {LABELS}, or remove the row"
                raise table.fault(f"label {number} is not in {LABELS}", line, hint)
            found[number] = table.number(float, share, "coverage", line)
        return found


def read_vocabulary(folder: Path) -> Vocabulary:
    """Read label.csv and category.csv of a tree.

    Raises:
        UserError: One of them is missing or damaged.
    """
    table = read_table(folder / CATEGORIES, CATEGORY_COLUMNS)
    categories: list[str] = []
    for line, (cell, *_) in table.rows(CATEGORY_COLUMNS):
        name = cell.strip()
        if not is_category(name) or name in categories:
            raise table.fault(f"invalid or duplicate category {name!r}", line, CATEGORY_RULE)
        categories.append(name)
    if not categories:
        raise table.fault("no categories listed", 1, "unpack or write the tree again")
    return Vocabulary(folder, _read_labels(folder, categories), tuple(categories))


def _read_labels(folder: Path, known: Collection[str]) -> dict[int, Label]:
    table = read_table(folder / LABELS, LABEL_COLUMNS)
    labels: dict[int, Label] = {}
    for line, (cell, name, category, *_) in table.rows(LABEL_COLUMNS):
        number = table.number(int, cell, "number", line)
        if number in labels:
            what = f"duplicate number {number}, see line {labels[number].line}"
            raise table.fault(what, line, "number each label once; masks refer to these numbers")
        if number == 0:  # a row without name in published tables
            continue
        why = why_no_label(name)
        if why:
            hint = f"name it in {LABELS}, or remove it there and from the masks"
            raise table.fault(f"label {number}: invalid name {name!r} ({why})", line, hint)
        parts = [part.strip() for part in category.split(";") if part.strip()]
        categories = tuple(re.sub(r"\s*\(\d+\)$", "", part) for part in parts)
        for one in categories:
            if one not in known:
                what = f"no category {one!r} in {CATEGORIES}"
                raise unknown_name(what, one, known, f"{table.file}:{line}")
        labels[number] = Label(name, categories, line)
    if not labels:
        raise table.fault("no labels", 1, "unpack or write the tree again")
    return labels
