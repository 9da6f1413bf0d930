"""Arrays of numbers or texts in files; no code in a file is run."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.downloads.paths import require_file
from bench.downloads.requirements import unmet_path
from bench.errors import UserError, nearest
from bench.files import sha256_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.downloads.requirements import Requirement

FORMATS = (".npy", ".npz", ".safetensors", ".pt", ".pth")

_BLOCK_BYTES = 64 << 20
"""Numbers are read, converted and checked in blocks of up to this size."""


@dataclass(frozen=True)
class ArrayFile:
    """An array in a file: memory-mapped, except in .npz files and old .pt files.

    Attributes:
        path: A path of a config, with one of the extensions `FORMATS`.
        name: Name of the array, for a file with several; "" for the only one.
        where: The config key of the path, for messages.
    """

    path: str
    name: str
    where: str

    @property
    def file(self) -> Path:
        """Path of the file.

        Raises:
            UserError: It does not exist, or has another extension.
        """
        file = require_file(self.path, self.where)
        if file.suffix.lower() not in FORMATS:
            raise UserError(
                f"{self.path} is in no known format of arrays",
                where=self.where,
                hint=f"give one of: {', '.join(FORMATS)}",
            )
        return file

    def sha256(self) -> str:
        """Return the sha256 of the file's bytes, remembered as of all files."""
        return sha256_file(self.file)

    def names(self) -> tuple[str, ...]:
        """Return the names of the arrays in the file; none for a file of a single array."""
        return tuple(name for name in self._open() if name)

    def open(self) -> OpenArray:
        """Open the array; its values are read when asked for.

        Raises:
            UserError: The file cannot be read, or holds no such array or several.
        """
        arrays = self._open()
        name = self.name
        if not name and len(arrays) == 1:
            [name] = arrays
        if name not in arrays:
            fault = f"{self.path} holds no array {name!r}" if name else f"{self.path} holds several"
            known = ", ".join(repr(one) for one in arrays) or "none"
            raise UserError(
                fault,
                where=self.where,
                valid=nearest(name, arrays),
                hint=f"name one of its arrays, as in PATH::NAME: {known}",
            )
        try:
            return OpenArray(arrays[name](), self.path, self.where)
        except UserError:
            raise
        except Exception as error:  # each format has errors of its own
            raise self._fault(error) from error

    def _open(self) -> Mapping[str, Any]:
        """Return, by name, a function that opens each array."""
        file = self.file
        readers = {".npy": _open_npy, ".npz": _open_npz, ".safetensors": _open_safetensors}
        try:
            return readers.get(file.suffix.lower(), _open_torch)(file)
        except Exception as error:  # each format has errors of its own
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> UserError:
        text = str(error).split("\n")[0]
        objects = "pickle" in text.lower() or "objects" in text.lower()
        if objects or isinstance(error, pickle.UnpicklingError):
            return UserError(
                f"{self.path} holds Python objects, or is damaged; running its code is refused",
                where=self.where,
                hint="save numbers alone: numpy.save(FILE, array), or torch.save(tensor, FILE)",
            )
        return UserError(
            f"cannot read arrays from {self.path}: {text or type(error).__name__}",
            where=self.where,
            hint="write the file again; it may be cut off",
        )


def parse_array_file(setting: str, where: str) -> ArrayFile:
    """Parse PATH or PATH::NAME."""
    path, _, name = setting.partition("::")
    return ArrayFile(path, name, where)


def unmet_array(setting: str, what: str, where: str) -> tuple[Requirement, ...]:
    """Return the file of PATH or PATH::NAME as a requirement; empty if it exists."""
    return unmet_path(setting.partition("::")[0], what, where)


@dataclass(frozen=True)
class OpenArray:
    """An open array.

    Attributes:
        values: A NumPy array or a tensor, possibly memory-mapped.
        path: Its file, for messages.
        where: Its config key, for messages.
    """

    values: Any
    path: str
    where: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return tuple(int(n) for n in self.values.shape)

    @property
    def dtype(self) -> str:
        """The type of the stored values, such as "float16"."""
        return str(self.values.dtype).removeprefix("torch.")

    def require_shape(self, *axes: str) -> None:
        """Refuse an array without numbers, without values, or of another number of axes.

        Args:
            axes: The valid layouts, such as "images x units".

        Raises:
            UserError: The array is none of these.
        """
        kind = self.dtype
        if not kind.startswith(("float", "bfloat", "int", "uint", "bool")):
            raise self._error(f"is an array of {kind}, not of numbers")
        if len(self.shape) not in [axis.count(" x ") + 1 for axis in axes] or 0 in self.shape:
            raise self._error(f"has shape {list(self.shape)}", f"give {' or '.join(axes)}")

    def blocks(self, rows: int = 0) -> Iterator[NDArray[np.float32]]:
        """Read the values once, in blocks of rows, as float32.

        Args:
            rows: Rows in a block; 0 for as many as fit in 64 MB.

        Raises:
            UserError: A value is not finite as float32; names the first such row.
        """
        row_bytes = 4 * max(1, int(np.prod(self.shape[1:])))
        rows = rows or max(1, _BLOCK_BYTES // row_bytes)
        for start in range(0, self.shape[0], rows):
            block = _to_float32(self.values[start : start + rows])
            wrong = np.argwhere(~np.isfinite(block))
            if len(wrong):
                at = [start + int(wrong[0][0]), *map(int, wrong[0][1:])]
                value = block[tuple(wrong[0])]
                raise self._error(
                    f"has values that are not finite as float32; first at {at}: {value}",
                    "replace these values, or leave out their rows or columns",
                )
            yield block

    def read(self) -> NDArray[np.float32]:
        """Read all values as float32.

        Raises:
            UserError: A value is not finite as float32; names the first such row.
        """
        table = np.empty(self.shape, np.float32)
        start = 0
        for block in self.blocks():
            table[start : start + len(block)] = block
            start += len(block)
        return table

    def texts(self) -> tuple[str, ...]:
        """Read an array of texts.

        Raises:
            UserError: It is not one axis of texts.
        """
        if not self.dtype.startswith(("<U", ">U", "|S")) or len(self.shape) != 1:
            raise self._error(f"is an array of {self.dtype} of shape {list(self.shape)}, not texts")
        return tuple(str(text) for text in self.values.astype(str))

    def _error(self, fault: str, hint: str = "") -> UserError:
        return UserError(f"{self.path} {fault}", where=self.where, hint=hint)


def _to_float32(values: Any) -> NDArray[np.float32]:
    if not isinstance(values, np.ndarray):
        values = values.detach().float().numpy()
    with np.errstate(over="ignore"):  # reported with its place
        return np.array(values, dtype=np.float32)


def _open_npy(file: Path) -> dict[str, Any]:
    return {"": lambda: np.load(file, mmap_mode="r", allow_pickle=False)}


def _open_npz(file: Path) -> dict[str, Any]:
    stamp = file.stat().st_mtime_ns
    with np.load(file, allow_pickle=False) as arrays:
        return {name: (lambda name=name: _read_npz(file, name, stamp)) for name in arrays.files}


@lru_cache(maxsize=2)
def _read_npz(file: Path, name: str, stamp: int) -> Any:
    """Read an array, which cannot be mapped: keep the last ones in memory.

    Args:
        file: The file.
        name: Of the array.
        stamp: Time of the file's last change.
    """
    with np.load(file, allow_pickle=False) as arrays:
        return arrays[name]


def _open_safetensors(file: Path) -> dict[str, Any]:
    from safetensors import safe_open

    def read(name: str) -> Any:
        with safe_open(file, framework="pt") as arrays:
            return arrays.get_tensor(name)

    with safe_open(file, framework="pt") as arrays:
        return {name: (lambda name=name: read(name)) for name in arrays.keys()}  # noqa: SIM118


def _open_torch(file: Path) -> dict[str, Any]:
    import torch

    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:  # an old file cannot be mapped; a damaged one fails again
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    return {name: (lambda tensor=tensor: tensor) for name, tensor in _tensors(loaded, "").items()}


def _tensors(value: Any, path: str) -> dict[str, Any]:
    import torch

    if torch.is_tensor(value):
        return {path: value}
    inside = value.items() if isinstance(value, Mapping) else ()
    found: dict[str, Any] = {}
    for key, one in inside:
        found |= _tensors(one, f"{path}.{key}" if path else str(key))
    return found
