"""Read and check the files of one layer of MILANNOTATIONS."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import UserError

if TYPE_CHECKING:
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
    masks = _array(folder / "masks.npy", (1,))
    rows, k = masks.shape[:2]
    images_file, ids_file = folder / "images.npy", folder / "ids.csv"
    images = ids = None
    if images_file.is_file():
        images = _array(images_file, (3,))
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
        ids = _table(ids_file, (rows, k)).astype(np.int64)
    activations = np.full((rows, k), np.nan, dtype=np.float32)
    if (folder / "activations.csv").is_file():
        found = _table(folder / "activations.csv", (rows, k), whole=False)
        activations = found.astype(np.float32)
    return LayerFiles(masks, images, ids, activations, _rows(folder / "units.npy", rows))


def _array(file: Path, channels: tuple[int, ...]) -> NDArray[Any]:
    if not file.is_file():
        raise UserError(f"no {file.name}", where=str(file.parent))
    try:
        loaded: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"cannot read the array: {error}", where=str(file)) from error
    shape = loaded.shape
    if len(shape) != 5 or shape[2:3] != channels or shape[3] != shape[4] or not all(shape):
        raise UserError(
            f"invalid shape {shape}; must be units x images x {channels[0]} x S x S",
            where=str(file),
        )
    return loaded


def _table(file: Path, shape: tuple[int, int], *, whole: bool = True) -> NDArray[np.float64]:
    rows, k = shape
    found = np.empty(shape, dtype=np.float64)
    with file.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.reader(handle)
        at = 0
        for row in reader:
            here = f"{file}:{reader.line_num}"
            if at == rows or len(row) != k:
                raise UserError(
                    f"masks.npy has {rows} units of {k} images; this row has {len(row)} columns"
                    if at < rows
                    else f"more rows than the {rows} units of masks.npy",
                    where=here,
                )
            try:
                found[at] = [float(int(value)) if whole else float(value) for value in row]
            except ValueError as error:
                raise UserError(f"not a number: {error}", where=here) from error
            at += 1
    if at != rows:
        raise UserError(f"{at} rows for the {rows} units of masks.npy", where=str(file))
    return found


def _rows(file: Path, rows: int) -> dict[int, int]:
    if not file.is_file():
        return {unit: unit for unit in range(rows)}
    try:
        units = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"cannot read the array: {error}", where=str(file)) from error
    if units.shape != (rows,) or units.dtype.kind not in "iu" or len(np.unique(units)) != rows:
        raise UserError(
            f"invalid units {units.dtype} {units.shape} for the {rows} rows of masks.npy",
            where=str(file),
            hint="it must contain one distinct integer per row",
        )
    return {int(unit): row for row, unit in enumerate(units)}
