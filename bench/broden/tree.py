"""Open a Broden tree: its images, categories and labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.broden.index import Index, Row, read_index
from bench.broden.layout import CATEGORIES, IMAGES, INDEX, LABELS, codes_file, unknown_name
from bench.broden.vocabulary import Vocabulary, read_vocabulary
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.spatial import MaskLabel


@dataclass(frozen=True)
class Broden:
    """Selected images of a tree, with selected categories.

    Attributes:
        folder: Folder of the tree.
        index: Index file.
        categories: Selected categories, in the order of category.csv.
        columns: Position of each category's cell in `Row.cells`.
        concepts: Labels by number, sorted by primary category, then number.
        known: All numbers of label.csv.
        rows: Images, in the order of the index.
        dropped: Number of images excluded because no selected category annotates them.
    """

    folder: Path
    index: Path
    categories: tuple[str, ...]
    columns: tuple[int, ...]
    concepts: Mapping[int, MaskLabel]
    known: frozenset[int]
    rows: tuple[Row, ...]
    dropped: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def splits(self) -> tuple[str, ...]:
        """Split of each image."""
        return tuple(row.split for row in self.rows)

    @property
    def image_names(self) -> tuple[str, ...]:
        """Path of each image inside `images/`, with forward slashes."""
        return tuple(row.image for row in self.rows)

    def file(self, name: str) -> Path:
        """Return the file of a path inside `images/`."""
        return self.folder / IMAGES / name

    @property
    def tables(self) -> tuple[Path, ...]:
        """CSV files that decide labels and images."""
        names = [LABELS, CATEGORIES, *map(codes_file, self.categories)]
        return (self.index, *(self.folder / name for name in names))


def open_broden(
    folder: Path,
    categories: Sequence[str] | None = None,
    *,
    index: str = INDEX,
    split: str | None = None,
    limit: int | None = None,
) -> Broden:
    """Open a tree; read and check its tables, but not its images and masks.

    As in Network Dissection, images that no selected category annotates are excluded; an image
    whose only annotation is label 0 is not. Tables are cached until they change.

    Args:
        folder: Folder of the tree.
        categories: Categories to select; None for all but material.
        index: Name of the index file in the tree, such as "index_ade20k.csv".
        split: Split to select ("train" or "val"); None for all.
        limit: Number of images; the first ones are used.

    Raises:
        UserError: The tree is damaged (with file and line), it has no such category, split or
            index, or no image remains.
    """
    if not folder.is_dir():
        raise UserError(f"no folder {folder}", hint="name the folder that contains index.csv")
    file = folder / index
    if Path(index).name != index or not file.is_file():
        others = sorted(other.name for other in folder.glob("index*.csv"))
        where = str(file) if Path(index).name == index else "probe.params.index"
        raise unknown_name(f"no index {index!r} in {folder}", index, others, where, "index files")
    vocabulary, table = _tables(folder, index, _stamps(folder, index))
    selected = vocabulary.select(categories)
    for name in selected:
        if name not in table.categories:
            raise unknown_name(
                f"no column {name!r}",
                name,
                table.categories,
                f"{file}:1",
                "categories with a column",
            )
    columns = tuple(table.categories.index(name) for name in selected)
    concepts = vocabulary.concepts(selected)
    of_split = _of_split(table, split)
    rows = [row for row in of_split if any(row.cells[at].strip("; ") for at in columns)]
    if not rows:
        raise UserError(
            "no image has an annotation in the selected categories",
            where=str(file),
            hint=f"select another split, or others than {', '.join(selected)} among the "
            f"categories {', '.join(vocabulary.categories)}",
        )
    return Broden(
        folder=folder,
        index=file,
        categories=selected,
        columns=columns,
        concepts=concepts,
        known=frozenset(vocabulary.labels),
        rows=tuple(rows[:limit]),
        dropped=len(of_split) - len(rows),
    )


def _of_split(table: Index, split: str | None) -> Sequence[Row]:
    if split is None:
        return table.rows
    splits = sorted({row.split for row in table.rows})
    if split not in splits:
        what = f"no images in the split {split!r}"
        raise unknown_name(what, split, splits, "probe.params.split", "splits")
    return [row for row in table.rows if row.split == split]


def _stamps(folder: Path, index: str) -> tuple[tuple[int, int], ...]:
    """Return sizes and times of the tables, which change when a table does."""
    found = []
    for name in (index, LABELS, CATEGORIES):
        file = folder / name
        if file.is_file():  # its reader reports a missing file
            status = file.stat()
            found.append((status.st_size, status.st_mtime_ns))
    return tuple(found)


@lru_cache(maxsize=4)
def _tables(
    folder: Path, index: str, stamps: tuple[tuple[int, int], ...]
) -> tuple[Vocabulary, Index]:
    vocabulary = read_vocabulary(folder)
    return vocabulary, read_index(folder / index, vocabulary)
