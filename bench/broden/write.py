"""Write masks as a Broden tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.broden.content import MaskedImage, check_labels, is_number
from bench.broden.layout import (
    CATEGORIES,
    CATEGORY_COLUMNS,
    CODE_COLUMNS,
    IMAGES,
    INDEX,
    INDEX_COLUMNS,
    LABEL_COLUMNS,
    LABELS,
    by,
    codes_file,
    why_no_path,
)
from bench.broden.marks import marks_of
from bench.broden.new_folder import new_folder
from bench.broden.picture import write_picture
from bench.broden.plane import write_plane
from bench.broden.shapes import same_shape
from bench.broden.table import write_table
from bench.broden.tally import Tally
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bench.broden.content import BrodenLabel, Mark


def write_broden(
    folder: Path | str,
    images: Iterable[MaskedImage] | MaskedImage,
    labels: Iterable[BrodenLabel],
    categories: Iterable[str],
    *,
    mask_size: tuple[int, int],
    with_images: bool = True,
) -> None:
    """Write a tree completely or not at all.

    Frequencies and coverages are counted while writing. A label's frequency is the number of
    images with it; its coverage is the sum over images and planes of the share of pixels with it (1
    if it marks the whole image). Images are consumed one by one and not kept in memory.

        >>> planes = {"object": [np.eye(4, dtype=int)]}  # doctest: +SKIP
        >>> write_broden(
        ...     Path("mine"),
        ...     [MaskedImage("a", planes, Path("a.jpg"))],
        ...     [BrodenLabel(1, "diagonal", "object")],
        ...     ["object"],
        ...     mask_size=(4, 4),
        ... )  # doctest: +SKIP

    Args:
        folder: Folder to create; it must be missing or empty.
        images: Images in the order of the index.
        labels: All labels of the marks, and optionally more.
        categories: Categories in the order of category.csv.
        mask_size: Size (sh, sw) of all planes, with the pictures' aspect ratio, since a mask covers
            its whole picture.
        with_images: Whether to write pictures; if not, `images/` contains only masks, and ih, iw
            equal sh, sw.

    Raises:
        UserError: The folder exists, or labels, names or marks are invalid.
    """
    if isinstance(images, MaskedImage):
        images = [images]
    labels, categories = check_labels(labels, categories)
    size = _size_of(mask_size)
    folder = Path(folder).expanduser()
    tally = Tally({label.number for label in labels}, categories)
    with new_folder(folder) as temporary:
        writer = _Writer(temporary / IMAGES, categories, size, with_images)
        with write_table(temporary / INDEX, (*INDEX_COLUMNS, *categories)) as write:
            for image in images:
                marks = marks_of(image, tally, size)
                write(writer.add(image, marks))
                tally.add(marks)
        if not writer.names:
            raise UserError(f"no images to write to {folder}", hint="pass at least one")
        _write_tables(temporary, labels, categories, tally)


def _size_of(given: Any) -> tuple[int, int]:
    try:
        height, width = given
    except (TypeError, ValueError):
        height = width = 0
    if not (is_number(height) and is_number(width) and min(height, width) > 0):
        hint = "pass (sh, sw), two positive numbers of pixels"
        raise UserError(f"invalid mask size {given!r}", hint=hint)
    return int(height), int(width)


class _Writer:
    """Write pictures and masks into a new folder."""

    def __init__(
        self, root: Path, categories: Sequence[str], mask_size: tuple[int, int], with_images: bool
    ) -> None:
        root.mkdir()
        self.names: set[str] = set()
        self._root, self._categories = root, categories
        self._mask_size, self._with_images = mask_size, with_images

    def add(self, image: MaskedImage, marks: Mapping[str, Sequence[Mark]]) -> list[object]:
        """Write one image with its marks; return its row of the index."""
        suffix = Path(image.image).suffix if isinstance(image.image, str | Path) else ".png"
        picture = self._claim(f"{image.name}{suffix}", image.name)
        size = self._mask_size
        if self._with_images:
            size = write_picture(image, self._root / picture)
            self._check_shape(image.name, size, marks)
        cells = [
            ";".join(self._items(image.name, category, marks.get(category, ())))
            for category in self._categories
        ]
        return [picture, image.split, *size, *self._mask_size, *cells]

    def _items(self, image: str, category: str, marks: Sequence[Mark]) -> Iterator[str]:
        """Write the planes of one category; yield the items of its cell."""
        several = sum(isinstance(mark, np.ndarray) for mark in marks) > 1
        for number, mark in enumerate(marks, start=1):
            if not isinstance(mark, np.ndarray):
                yield str(int(mark))
                continue
            name = self._claim(f"{image}_{category}{f'_{number}' if several else ''}.png", image)
            write_plane(self._root / name, mark)
            yield name

    def _check_shape(
        self, name: str, size: tuple[int, int], marks: Mapping[str, Sequence[Mark]]
    ) -> None:
        planes = any(isinstance(mark, np.ndarray) for own in marks.values() for mark in own)
        if planes and not same_shape(self._mask_size, size):
            raise UserError(
                f"image {name!r}: the aspect ratio of its picture, {by(size)}, differs from that "
                f"of its masks, {by(self._mask_size)}",
                hint="crop or resize pictures and masks alike, so that each mask covers its whole "
                "picture",
            )

    def _claim(self, name: str, image: str) -> str:
        why = why_no_path(name)
        if ";" in name or name != name.strip():
            why = "contains a semicolon, or starts or ends with a space"
        if name in self.names:
            why = "duplicate name"
        if why:
            raise UserError(
                f"image {image!r}: invalid file name {name!r} ({why})",
                hint="name each image once, by a relative path with forward slashes",
            )
        self.names.add(name)
        (self._root / name).parent.mkdir(parents=True, exist_ok=True)
        return name


def _write_tables(
    folder: Path, labels: Sequence[BrodenLabel], categories: Sequence[str], tally: Tally
) -> None:
    ordered = sorted(labels, key=lambda label: label.number)
    of = {label.number: tally.categories_of(label.number) or [label.category] for label in ordered}
    with write_table(folder / LABELS, LABEL_COLUMNS) as write:
        for label in ordered:
            number, places = label.number, of[label.number]
            counted = [f"{place}({tally.frequency[place][number]})" for place in places]
            category = places[0] if len(places) == 1 else ";".join(counted)
            share = sum(tally.coverage[place][number] for place in places)
            synonyms = ";".join(label.synonyms)
            write([number, label.name, category, tally.images[number], share, synonyms])
    with write_table(folder / CATEGORIES, CATEGORY_COLUMNS) as write:
        for category in categories:
            numbers = [number for number, places in of.items() if category in places]
            ends = [min(numbers), max(numbers)] if numbers else ["", ""]
            write([category, *ends, len(numbers), tally.annotated[category]])
    for category in categories:
        own = [label for label in ordered if category in of[label.number]]
        with write_table(folder / codes_file(category), CODE_COLUMNS) as write:
            for code, label in enumerate(own, start=1):
                frequency = tally.frequency[category][label.number]
                share = tally.coverage[category][label.number]
                write([code, label.number, label.name, frequency, share])
