"""Read and check the files of one layer of MILANNOTATIONS."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LayerFiles:
    """Exemplars of one layer; images and masks stay in their files.

    Attributes:
        masks: uint8 or bool [R, K, 1, S, S], memory-mapped.
        images: uint8 [R, K, 3, S, S], memory-mapped; None if not included.
        ids: Numbers of the images in the source's image set, int64 [R, K]; None if not needed.
        activations: float32 [R, K]; NaN if not included.
        row_of: Row of each unit.
    """

    masks: NDArray[Any]
    images: NDArray[np.uint8] | None
    ids: NDArray[np.int64] | None
    activations: NDArray[np.float32]
    row_of: dict[int, int]

    @property
    def size(self) -> int:
        """Side S of images and masks."""
        return int(self.masks.shape[-1])


def read_layer(folder: Path) -> LayerFiles:
    """Open the files of a layer's folder.

    `masks.npy` and either `images.npy` or `ids.csv` are required; `units.npy` (the unit of each
    row; by default row r is unit r) and `activations.csv` are optional. The published archives
    contain neither of the last two, and no images of ImageNet.

    Raises:
        UserError: A file is missing or invalid.
    """
    masks = _squares(folder / "masks.npy", 1)
    rows, k = masks.shape[:2]
    images_file, ids_file = folder / "images.npy", folder / "ids.csv"
    images = ids = None
    if images_file.is_file():
        images = _squares(images_file, 3)
        if images.dtype != np.uint8:
            raise UserError(f"images must be uint8, not {images.dtype}", where=str(images_file))
        if (images.shape[:2], images.shape[3:]) != (masks.shape[:2], masks.shape[3:]):
            raise UserError(
                f"images {images.shape} do not match masks {masks.shape}",
                where=str(images_file),
                hint="both are units x images x channels x height x width",
            )
    elif not ids_file.is_file():
        raise UserError(
            "neither images.npy nor ids.csv is in the folder",
            where=str(folder),
            hint="unpack the archive again",
        )
    else:
        ids = _table(ids_file, (rows, k), int).astype(np.int64)
    activations = np.full((rows, k), np.nan, dtype=np.float32)
    if (folder / "activations.csv").is_file():
        levels = _table(folder / "activations.csv", (rows, k), float)
        activations = levels.astype(np.float32)
    return LayerFiles(masks, images, ids, activations, _rows(folder / "units.npy", rows))


def _load(file: Path) -> NDArray[Any]:
    """Read an array; map it to memory."""
    try:
        loaded: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError(f"no {file.name}", where=str(file.parent)) from error
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"cannot read the array: {error}", where=str(file)) from error
    return loaded


def _squares(file: Path, channels: int) -> NDArray[Any]:
    """Read an array of square images or masks."""
    loaded = _load(file)
    shape = loaded.shape
    if len(shape) != 5 or shape[2] != channels or shape[3] != shape[4] or not all(shape):
        what = f"invalid shape {shape}; must be units x images x {channels} x S x S"
        raise UserError(what, where=str(file))
    return loaded


def _table(
    file: Path, shape: tuple[int, int], number: Callable[[str], float]
) -> NDArray[np.float64]:
    """Read a table of numbers without a header, a row for each unit of masks.npy."""
    n, k = shape
    found: list[list[float]] = []
    with file.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.reader(handle)
        for row in reader:
            where = f"{file}:{reader.line_num}"
            if len(found) == n:
                raise UserError(f"more rows than the {n} units of masks.npy", where=where)
            if len(row) != k:
                what = f"masks.npy has {n} units of {k} images; this row has {len(row)} columns"
                raise UserError(what, where=where)
            try:
                found.append([number(value) for value in row])
            except ValueError as error:
                raise UserError(f"not a number: {error}", where=where) from error
    if len(found) != n:
        raise UserError(f"{len(found)} rows for the {n} units of masks.npy", where=str(file))
    return np.array(found, dtype=np.float64)


def _rows(file: Path, rows: int) -> dict[int, int]:
    """Return the row of each unit."""
    if not file.is_file():
        return {unit: unit for unit in range(rows)}
    units = _load(file)
    if units.shape != (rows,) or units.dtype.kind not in "iu" or len(np.unique(units)) != rows:
        raise UserError(
            f"invalid units {units.dtype} {units.shape} for the {rows} rows of masks.npy",
            where=str(file),
            hint="it must contain one distinct integer per row",
        )
    return {int(unit): row for row, unit in enumerate(units)}
