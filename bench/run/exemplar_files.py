"""Write exemplars as files in the layout of the published MILANNOTATIONS.

One folder a layer, <model>/<dataset>/<layer> (Hernandez et al., ICLR 2022, and the official code):

    images.npy       uint8 [U, K, 3, S, S]
    masks.npy        uint8 [U, K, 1, S, S], 0 or 1
    activations.csv  U rows of K, the largest value of the unit's map; no header
    ids.csv          U rows of K, positions in the probe set; no header
    units.npy        int64, the numbers of the U units; only where dead units are left out

The official program resizes images by the nearest pixel, this one bilinearly. In both, images and
masks show the central crop that the network sees.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import numpy as np

from bench.broden.new_folder import new_folder
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from baselines.spatial import Exemplars

_LONGEST = 100


def file_name(text: str) -> str:
    """Return a name as one part of a path: letters, digits, ".", "_", "-", no dot at either end.

    Raises:
        UserError: The name has no such character.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:_LONGEST].strip(".-")
    if not name:
        raise UserError(f"{text!r} cannot name a folder", hint="give a name of letters and digits")
    return name


def layer_folders(out: Path, model: str, dataset: str, layers: Sequence[str]) -> dict[str, Path]:
    """Return the folder of each layer.

    Raises:
        UserError: A name without usable characters, two layers of one name, or an existing folder.
    """
    base = out / file_name(model) / file_name(dataset)
    found = {layer: base / file_name(layer) for layer in layers}
    names = [folder.name.casefold() for folder in found.values()]  # some file systems ignore case
    for layer, folder in found.items():
        if names.count(folder.name.casefold()) > 1:
            raise UserError(
                f"the layer {layer!r} and another one would both go to {folder.name}",
                where="target.layers",
                hint="export them into different folders",
            )
        if folder.exists():
            raise UserError(
                f"{folder} exists",
                where="--out",
                hint="give another folder; nothing is overwritten",
            )
    return found


def write_exemplars(exemplars: Exemplars, folder: Path) -> int:
    """Write a layer's exemplars, atomically.

    Args:
        exemplars: Of all units of the layer.
        folder: Where to write; must not exist.

    Returns:
        The number of units written, which are the live ones.

    Raises:
        UserError: No unit is live, the folder exists, or the disk lacks space.
    """
    units = np.flatnonzero(exemplars.ids[:, 0] >= 0)
    if not len(units):
        raise UserError("no unit of the layer is live: there are no exemplars", where=folder.name)
    count, size = exemplars.ids.shape[1], exemplars.size
    shape = (len(units), count)
    with new_folder(folder) as temporary:
        _require_space(temporary, 4 * len(units) * count * size * size)
        images = np.lib.format.open_memmap(
            temporary / "images.npy", "w+", np.uint8, (*shape, 3, size, size)
        )
        masks = np.lib.format.open_memmap(
            temporary / "masks.npy", "w+", np.uint8, (*shape, 1, size, size)
        )
        _reserve(temporary / "images.npy")
        _reserve(temporary / "masks.npy")
        for row, unit in enumerate(units.tolist()):
            shown = exemplars.images(exemplars.ids[unit].tolist())
            images[row] = shown.transpose(0, 3, 1, 2)
            masks[row, :, 0] = exemplars.masks(unit)
        images.flush()
        masks.flush()
        del images, masks
        # Nine digits represent a float32 exactly.
        _write_csv(temporary / "activations.csv", exemplars.activations[units], "%.9g")
        _write_csv(temporary / "ids.csv", exemplars.ids[units], "%d")
        if len(units) < len(exemplars.ids):
            np.save(temporary / "units.npy", units.astype(np.int64))
    return len(units)


def _write_csv(file: Path, table: np.ndarray, form: str) -> None:
    np.savetxt(file, table, fmt=form, delimiter=",")


def _reserve(file: Path) -> None:
    """Reserve the space of a memory-mapped file, which else grows while it is written.

    Raises:
        OSError: The disk is full, which else would kill the process.
    """
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{needed / 1e6:,.1f} MB are needed, and {free / 1e6:,.1f} MB are free",
            where=str(folder.parent),
            hint="choose another disk, a smaller --size or a smaller --top-k",
        )
