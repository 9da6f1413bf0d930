"""Bytes on disk: whole files or none, and equal tables as equal bytes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import uuid
import zlib
from typing import TYPE_CHECKING, Any

import pandas as pd

from leaderboards.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file and push it to the disk, so that a later rename cannot overtake its content."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


_LINES = 3
"""Levels of a JSON file that take a line for each key."""


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` at `path` at once: a reader sees the old file or the new one, never a half."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        write_bytes(temporary, data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Serialise with sorted keys, numbers unrounded; what is nested thrice stands on one line.

    In a scores file that is a metric with its interval.

    Raises:
        RecordError: A number is NaN or infinite, which JSON does not know, or a value is no JSON.
    """
    try:
        return (_laid_out(value, 0) + "\n").encode("utf-8")
    except (TypeError, ValueError) as error:
        raise RecordError(f"cannot be written as JSON: {error}") from error


def _laid_out(value: object, depth: int) -> str:
    if isinstance(value, dict) and value and depth < _LINES:
        inside = (
            f"{' ' * (depth + 1)}{json.dumps(str(key), ensure_ascii=False)}: "
            f"{_laid_out(value[key], depth + 1)}"
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
    """Turn a NumPy number into a Python one."""
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"{type(value).__name__} is no JSON value")
    return item()


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as CSV with Unix line ends and floats that read back exactly."""
    texts = table.select_dtypes(include=["object", "string"])
    # The csv module leaves a lone carriage return bare, which readers take for the end of a line.
    bare = any(texts[name].astype(str).str.contains("\r", regex=False).any() for name in texts)
    text = table.to_csv(
        index=False,
        lineterminator="\n",
        quoting=csv.QUOTE_NONNUMERIC if bare else csv.QUOTE_MINIMAL,
    )
    return text.encode("utf-8")


def gzip_bytes(data: bytes) -> bytes:
    """Compress with neither time nor name in the header."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as stream:
        stream.write(data)
    return buffer.getvalue()


def gunzip_bytes(data: bytes) -> bytes:
    """Unpack what is packed; anything else, damaged packing too, stays as it is."""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return data


def read_csv_gz(path: Path, dtypes: Mapping[str, str]) -> pd.DataFrame:
    """Read a gzipped CSV whose named columns must be there and have these types.

    A label may well be the word "null" or "nan", so no text is ever taken for a missing value; an
    empty field of a number column is NaN. Further columns become numbers where all of their fields
    are numbers or empty, and stay text otherwise.

    Args:
        path: The file.
        dtypes: "int64", "float64" or "str" by column.

    Raises:
        RecordError: The file is missing or damaged, a column is missing, or a field is of another
            type; names the file, and the column where one is at fault.
    """
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
    except FileNotFoundError as error:
        raise RecordError(f"{path}: no such file") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
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
    for name in table.columns:
        table[name] = _typed(table[name], dtypes.get(str(name)), f"{path}: column {name!r}")
    return table


def _typed(column: pd.Series[Any], dtype: str | None, where: str) -> pd.Series[Any]:
    if dtype == "str":
        return column.astype("str")
    try:
        if dtype == "int64":
            return column.map(int).astype("int64")
        return column.map(lambda field: float(field or "nan")).astype("float64")
    except (ValueError, OverflowError) as error:
        if dtype is None:
            return column.astype("str")
        raise RecordError(f"{where}: not all {dtype} ({error})") from error
