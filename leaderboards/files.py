"""Read and write files: atomically, and equal tables as equal bytes."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import uuid
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leaderboards.record import IncompleteError, RecordError, read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionArray


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file and flush it to the disk, so that it is complete before a later rename."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


_LINES = 3
"""Levels of a JSON file that have a line for each key."""


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file atomically: a reader sees the old content or the new one."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        write_bytes(temporary, data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Serialise with sorted keys and unrounded numbers, one line per key of the upper levels.

    In a scores file each metric with its interval has one line.

    Raises:
        RecordError: A number is NaN or infinite, or a value has no JSON form.
    """
    try:
        return (_layout(value, 0) + "\n").encode("utf-8")
    except (TypeError, ValueError) as error:
        raise RecordError(f"cannot be written as JSON: {error}") from error


def _layout(value: object, depth: int) -> str:
    if isinstance(value, dict) and value and depth < _LINES:
        inside = (
            f"{' ' * (depth + 1)}{json.dumps(str(key), ensure_ascii=False)}: "
            f"{_layout(value[key], depth + 1)}"
            for key in sorted(value, key=str)
        )
        return "{\n" + ",\n".join(inside) + f"\n{' ' * depth}}}"
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain)


def json_line(value: Mapping[str, Any]) -> bytes:
    """Serialise on one line, for files that grow by lines.

    Raises:
        RecordError: As for `json_bytes`.
    """
    return json.dumps(json.loads(json_bytes(value)), sort_keys=True, ensure_ascii=False).encode(
        "utf-8"
    )


def _plain(value: object) -> object:
    """Convert a NumPy number to a Python one."""
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return item()


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as CSV with Unix line ends and floats that read back exactly."""
    texts = table.select_dtypes(include=["object", "string"])
    # The csv module does not quote a lone carriage return, which readers take for a line end.
    bare = any(texts[name].astype(str).str.contains("\r", regex=False).any() for name in texts)
    text = table.to_csv(
        index=False,
        lineterminator="\n",
        quoting=csv.QUOTE_NONNUMERIC if bare else csv.QUOTE_MINIMAL,
    )
    return text.encode("utf-8")


def shorten_floats(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Round columns to float32, then to the shortest decimals that identify these numbers.

    Cast the texts that `csv_bytes` makes of them to float32 to read the numbers back exactly.
    """
    with np.errstate(over="ignore"):
        short = {
            name: table[name].to_numpy(np.float32).astype(str).astype(np.float64)
            for name in columns
            if name in table
        }
    return table.assign(**short)


def gzip_bytes(data: bytes) -> bytes:
    """Compress with neither time nor name in the header."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as stream:
        stream.write(data)
    return buffer.getvalue()


def gunzip_bytes(data: bytes) -> bytes:
    """Decompress gzip data; return anything else, damaged data too, unchanged."""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return data


def sha256_unpacked(path: Path) -> str:
    """Return the sha256 of the content of a gzip file, which does not depend on the packer.

    Raises:
        RecordError: The file is missing, unreadable or damaged.
    """
    return hashlib.sha256(_unpack(path)).hexdigest()


def _unpack(path: Path) -> bytes:
    data = read_file(path)
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordError(f"{path}: damaged ({error})") from error


def is_whole_gzip(path: Path) -> bool:
    """Return whether a gzip file is complete and not empty; read each version of it once.

    Raises:
        UnreadableError: The system refuses to read it.
    """
    return _is_whole_gzip(path, file_stamp(path))


def file_stamp(path: Path) -> tuple[int, ...]:
    """Return inode, size and time of a file, a key for its cached content; () if it is missing."""
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_ino, state.st_size, state.st_mtime_ns


@lru_cache(maxsize=10_000)
def _is_whole_gzip(path: Path, _stamp: tuple[int, ...]) -> bool:
    try:
        return bool(gzip.decompress(read_file(path)))
    except (IncompleteError, OSError, EOFError, zlib.error):
        return False


def read_csv_gz(path: Path, dtypes: Mapping[str, str], *, as_text: bool = False) -> pd.DataFrame:
    """Read a gzipped CSV that must have some columns of some types.

    "null" and "nan" are labels like any other, so no text is taken for a missing value; an empty
    field of a number column is NaN. Other columns become numbers if all of their fields are numbers
    or empty, and stay text otherwise.

    Args:
        path: The file.
        dtypes: "int64", "float64", "float32" (widened to float64) or "str" by column.
        as_text: Read other columns as text even if they are numbers.

    Raises:
        RecordError: The file is missing, unreadable or damaged, a column is missing, or a field has
            another type.
    """
    try:
        text = _unpack(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: damaged ({error})") from error
    try:
        table = pd.read_csv(
            io.StringIO(text, newline=""), dtype="object", keep_default_na=False, na_filter=False
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise RecordError(f"{path}: not readable as CSV ({error})") from error
    missing = [name for name in dtypes if name not in table.columns]
    if missing:
        raise RecordError(f"{path}: has no column {', '.join(missing)}")
    other = "str" if as_text else None
    columns = {
        name: _typed(table[name].tolist(), dtypes.get(str(name), other), f"{path}: column {name!r}")
        for name in table
    }
    return pd.DataFrame(columns, index=table.index)


def _typed(fields: list[str], dtype: str | None, where: str) -> NDArray[Any] | ExtensionArray:
    if dtype == "str":
        return pd.array(fields, dtype="str")
    try:
        if dtype == "int64":
            return np.array(list(map(int, fields)), dtype=np.int64)
        numbers = np.array([float(field or "nan") for field in fields])
        return numbers.astype(np.float32).astype(np.float64) if dtype == "float32" else numbers
    except (ValueError, OverflowError) as error:
        if dtype is None:
            return pd.array(fields, dtype="str")
        raise RecordError(f"{where}: not all {dtype} ({error})") from error
