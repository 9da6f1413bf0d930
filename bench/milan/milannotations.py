"""Read MILANNOTATIONS, people's descriptions of units of several networks, as published.

    <root>/<network>/<images>/annotations.csv           columns layer, unit, summary
    <root>/<network>/<images>/<layer>/masks.npy         uint8 [units, 15, 1, 224, 224]
                                      images.npy        uint8 [units, 15, 3, 224, 224]
                                      ids.csv           units x 15, no header
                                      [activations.csv] [units.npy]

Source: Hernandez et al., ICLR 2022; https://github.com/evandez/neuron-descriptions. Unpack the
archive "resnet152-imagenet.zip" to resnet152/imagenet. ImageNet's images may not be redistributed:
if images.npy is missing, ids.csv has their numbers in ImageNet's validation set.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from bench.errors import UserError, nearest
from bench.milan.annotated import AnnotatedUnits, ArrayExemplars
from bench.milan.folder_images import FolderImages, Geometry
from bench.milan.layer_files import LayerFiles, read_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

OFFICIAL_COUNT = 3
"""Number of descriptions per unit in the official experiments."""

_COLUMNS = ("layer", "unit", "summary")
_ANNOTATIONS = "annotations.csv"


@dataclass(frozen=True)
class _Unit:
    """An annotated unit: name and number, files and row of its layer, descriptions."""

    name: str
    number: int
    files: LayerFiles
    row: int
    descriptions: tuple[str, ...]


def read_milannotations(
    root: Path,
    names: Sequence[str],
    *,
    images: Path | None = None,
    geometry: Geometry = "centre",
    annotation_count: int | None = None,
) -> AnnotatedUnits:
    """Read described units of one network or several.

    Names of layers stay texts, "10" too (the official loader converts it to a number and finds no
    annotations). Rows without words are skipped.

    Args:
        root: Folder with the unpacked archives.
        names: "resnet152/imagenet", or the name of the archive, "resnet152-imagenet".
        images: ImageNet's validation set, one sub-folder per class (50,000 images); needed for
            layers without images.
        geometry: Geometry of those images: "centre", like the networks whose masks are used, or
            "squash", like the official code (see `FolderImages`).
        annotation_count: Number of descriptions per unit; units with fewer are excluded, and
            further descriptions are dropped. None uses every description; the official experiments
            use `OFFICIAL_COUNT`.

    Returns:
        The units, in the order of `names`, then layers by name, then rows of the layer's files.
        Masks and images are read from their files on demand.

    Raises:
        UserError: A file is missing or damaged.
    """
    if geometry not in get_args(Geometry):
        hint = f"choose one of: {', '.join(get_args(Geometry))}"
        raise UserError(f"unknown geometry {geometry!r}", hint=hint)
    if annotation_count is not None and annotation_count < 1:
        raise UserError(f"annotation_count must be at least 1, not {annotation_count}")
    if len(set(names)) != len(names) or not names:
        raise UserError(f"sources must be named once each, not {list(names)}")
    units = [
        unit
        for name in names
        for unit in _source_units(_source(Path(root), name), annotation_count)
    ]
    if not units:
        raise UserError(
            f"no unit of {', '.join(names)} has {annotation_count or 'any'} descriptions",
            where=str(root),
        )
    return AnnotatedUnits(
        exemplars=_exemplars(units, images, geometry),
        names=tuple(unit.name for unit in units),
        units=tuple(unit.number for unit in units),
        descriptions=tuple(unit.descriptions for unit in units),
    )


def _source(root: Path, name: str) -> Path:
    """Return the folder of a network and its images."""
    if not root.is_dir():
        raise UserError(f"no folder {root}", hint="unpack the archives into it")
    places = [name] if "/" in name else []
    places += [f"{name[:at]}/{name[at + 1 :]}" for at, sign in enumerate(name) if sign == "-"]
    for place in places:
        if ".." not in Path(place).parts and (root / place).is_dir():
            return root / place
    there = sorted(path.relative_to(root).as_posix() for path in root.glob("*/*") if path.is_dir())
    raise UserError(
        f"no folder for {name}",
        where=str(root),
        valid=nearest(name, there) or there[:5],
        hint="unpack the archive to <network>/<images>, such as resnet152/imagenet",
    )


def _source_units(folder: Path, count: int | None) -> Iterator[_Unit]:
    annotations = _read_annotations(folder / _ANNOTATIONS)
    folders = {entry.name: entry for entry in folder.iterdir() if entry.is_dir()}
    for layer in sorted({layer for layer, _ in annotations}):
        wanted = {
            unit: (line, texts if count is None else texts[:count])
            for (its, unit), (line, texts) in annotations.items()
            if its == layer and len(texts) >= (count or 1)
        }
        if not wanted:
            continue
        first = min(line for line, _ in wanted.values())
        # Look the name up among the folders: a name from a file must not become a path.
        if layer not in folders:
            raise UserError(
                f"layer {layer!r} has no folder",
                where=f"{folder / _ANNOTATIONS}:{first}",
                valid=nearest(layer, folders) or sorted(folders)[:5],
                hint="unpack the archive again",
            )
        files = read_layer(folders[layer])
        for unit, (line, _) in wanted.items():
            if unit not in files.row_of:
                raise UserError(
                    f"unit {unit} of {layer} has no images; there are {len(files.row_of)} units",
                    where=f"{folder / _ANNOTATIONS}:{line}",
                )
        name = f"{folder.parent.name}/{folder.name}/{layer}"
        for unit in sorted(wanted, key=lambda unit: files.row_of[unit]):
            yield _Unit(name, unit, files, files.row_of[unit], tuple(wanted[unit][1]))


def _read_annotations(file: Path) -> dict[tuple[str, int], tuple[int, list[str]]]:
    """Return the first line and all descriptions of each unit, by layer and unit."""
    if not file.is_file():
        raise UserError(f"no {file.name}", where=str(file.parent))
    found: dict[tuple[str, int], tuple[int, list[str]]] = {}
    with file.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise UserError(
                f"missing column {', '.join(missing)}",
                where=f"{file}:1",
                valid=nearest(missing[0], reader.fieldnames or ()),
                hint=f"required columns: {', '.join(_COLUMNS)}",
            )
        for row in reader:
            number = row["unit"] or ""
            if not (number.isascii() and number.isdigit()):
                raise UserError(
                    f"unit must be an integer, not {number!r}", where=f"{file}:{reader.line_num}"
                )
            text = (row["summary"] or "").strip()
            if text:
                at = (row["layer"] or "", int(number))
                found.setdefault(at, (reader.line_num, []))[1].append(text)
    return found


class _Images:
    """Images of several places, numbered place after place."""

    def __init__(self, size: int) -> None:
        self._size, self._total = size, 0
        self._starts: list[int] = []
        self._readers: list[Callable[[int], NDArray[np.uint8]]] = []

    def add(self, count: int, read: Callable[[int], NDArray[np.uint8]]) -> int:
        """Add a place, with a function that reads an image [S, S, 3]; return its first number."""
        self._starts.append(self._total)
        self._readers.append(read)
        self._total += count
        return self._starts[-1]

    def __call__(self, wanted: Sequence[int]) -> NDArray[np.uint8]:
        """Return images by number, uint8 [B, S, S, 3]."""
        found = np.empty((len(wanted), self._size, self._size, 3), dtype=np.uint8)
        for row, number in enumerate(wanted):
            if not 0 <= number < self._total:
                raise IndexError(f"image {number} of {self._total}")
            place = bisect_right(self._starts, number) - 1
            found[row] = self._readers[place](int(number) - self._starts[place])
        return found


def _exemplars(units: Sequence[_Unit], images: Path | None, geometry: Geometry) -> ArrayExemplars:
    """Return exemplars of units, whose images may be in several places."""
    first = units[0]
    size, k = first.files.size, first.files.masks.shape[1]
    places = _Images(size)
    starts: dict[int, int] = {}  # by the id of a layer's files
    folder: FolderImages | None = None
    folder_start = 0
    ids = np.empty((len(units), k), dtype=np.int64)
    for at, unit in enumerate(units):
        files = unit.files
        if files.masks.shape[1:] != first.files.masks.shape[1:]:
            raise UserError(
                f"{unit.name} has masks {files.masks.shape}, "
                f"{first.name} {first.files.masks.shape}",
                hint="read sources of different sizes separately",
            )
        if files.images is not None:
            if id(files) not in starts:
                starts[id(files)] = places.add(len(files.images) * k, partial(_read, files.images))
            ids[at] = starts[id(files)] + unit.row * k + np.arange(k)
            continue
        if folder is None:
            folder = _image_folder(images, unit.name, size, geometry)
            folder_start = places.add(len(folder), folder.image)
        assert files.ids is not None
        own = files.ids[unit.row]
        beyond = own[(own < 0) | (own >= len(folder))]
        if len(beyond):
            raise UserError(
                f"unit {unit.number} of {unit.name} needs image {beyond[0]} of {len(folder)}",
                where=str(folder.root),
                hint="name the whole validation set of ImageNet (50,000 images)",
            )
        ids[at] = folder_start + own

    def masks_of(position: int) -> NDArray[np.bool_]:
        unit = units[position]
        return np.asarray(unit.files.masks[unit.row, :, 0]) > 0

    activations = np.stack([unit.files.activations[unit.row] for unit in units])
    return ArrayExemplars(ids, activations, size, masks_of, places)


def _read(images: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    row, place = divmod(number, images.shape[1])
    return np.asarray(images[row, place]).transpose(1, 2, 0)


def _image_folder(images: Path | None, name: str, size: int, geometry: Geometry) -> FolderImages:
    if images is None:
        raise UserError(
            f"{name} contains no images, only their numbers",
            where="images",
            hint="name ImageNet's validation set, one sub-folder per class",
        )
    return FolderImages(Path(images), size, geometry)
