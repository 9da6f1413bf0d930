"""Write masks as a Broden tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bench.broden.content import MaskedImage, check_words, is_number
from bench.broden.layout import (
    CATEGORIES,
    CATEGORY_COLUMNS,
    CODE_COLUMNS,
    IMAGES,
    INDEX,
    INDEX_COLUMNS,
    LABEL_COLUMNS,
    LABELS,
    codes_file,
    why_no_path,
)
from bench.broden.marks import marks_of
from bench.broden.new_folder import new_folder
from bench.broden.picture import picture_of, write_picture
from bench.broden.plane import write_plane
from bench.broden.shapes import same_shape
from bench.broden.table import write_table
from bench.broden.tally import Tally
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

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
    labels, categories = check_words(labels, categories)
    size = _size_of(mask_size)
    folder = Path(folder).expanduser()
    with new_folder(folder) as temporary, _Writer(temporary, categories, size) as writer:
        tally = Tally({label.number for label in labels}, categories)
        for image in images:
            marks = marks_of(image, tally, size)
            writer.add(image, marks, with_images=with_images)
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
        raise UserError(
            f"invalid mask size {given!r}", hint="pass (sh, sw), two positive numbers of pixels"
        )
    return int(height), int(width)


class _Writer:
    """Writer of pictures, masks, and the rows of the index."""

    def __init__(self, root: Path, categories: Sequence[str], mask_size: tuple[int, int]) -> None:
        self.names: set[str] = set()
        self._root = root / IMAGES
        self._categories = categories
        self._mask_size = mask_size
        self._index = write_table(root / INDEX, (*INDEX_COLUMNS, *categories))

    def __enter__(self) -> _Writer:
        self._root.mkdir()
        self._write_row = self._index.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._index.__exit__(kind, error, trace)

    def add(
        self,
        image: MaskedImage,
        marks_by_category: Mapping[str, Sequence[Mark]],
        *,
        with_images: bool,
    ) -> None:
        """Write one image with its marks."""
        source = picture_of(image) if with_images else image.image
        suffix = Path(source).suffix if isinstance(source, str | Path) else ".png"
        picture = self._claim(f"{image.name}{suffix}", image.name)
        size = self._mask_size
        if isinstance(source, Path | Image.Image) and with_images:
            size = write_picture(source, self._root / picture)
            self._check_shape(image.name, size, marks_by_category)
        cells = []
        for category in self._categories:
            marks = marks_by_category.get(category, ())
            n_planes = sum(isinstance(mark, np.ndarray) for mark in marks)
            items = []
            for mark in marks:
                if not isinstance(mark, np.ndarray):
                    items.append(str(int(mark)))
                    continue
                nth = f"_{len(items) + 1}" if n_planes > 1 else ""
                name = self._claim(f"{image.name}_{category}{nth}.png", image.name)
                write_plane(self._root / name, mark)
                items.append(name)
            cells.append(";".join(items))
        self._write_row([picture, image.split, *size, *self._mask_size, *cells])

    def _check_shape(
        self, name: str, size: tuple[int, int], marks: Mapping[str, Sequence[Mark]]
    ) -> None:
        planes = any(isinstance(mark, np.ndarray) for own in marks.values() for mark in own)
        if planes and not same_shape(self._mask_size, size):
            raise UserError(
                f"image {name!r}: the aspect ratio of its picture, {size[0]} x {size[1]}, differs "
                f"from that of its masks, {self._mask_size[0]} x {self._mask_size[1]}",
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
