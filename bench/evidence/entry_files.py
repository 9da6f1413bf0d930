"""The files of a cache entry: chunks named by their own sha256, and a manifest.

They are in <kind>/<first two digits of the key>/<key>/. The manifest is written last; until then a
file of its own holds the parts of the key and the facts that are known.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.files import sha256_json

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MANIFEST = "manifest.json"

BEGUN = "begun.json"
"""Key parts and facts of an entry that is not complete yet."""

_CHUNK_NAME = re.compile(r"(\d{6})\.([0-9a-f]{64})\.npy")


def encode_chunk(number: int, array: NDArray[Any]) -> tuple[str, bytes]:
    """Return the name and the bytes of a chunk's file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    data = buffer.getvalue()
    return f"{number:06d}.{hashlib.sha256(data).hexdigest()}.npy", data


def chunk_number(file: Path) -> int:
    """Return the number of a chunk from its file's name; -1 for other files."""
    match = _CHUNK_NAME.fullmatch(file.name)
    return int(match[1]) if match else -1


def chunk_sha256(file: Path) -> str:
    """Return the sha256 in the name of a chunk's file; "" for other files."""
    match = _CHUNK_NAME.fullmatch(file.name)
    return match[2] if match else ""


def is_intact(file: Path) -> bool:
    """Return whether the bytes of a chunk's file have the sha256 in its name."""
    # Not from remembered fingerprints: a failing disk changes no time stamp.
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == chunk_sha256(file)
    except OSError:
        return False


def has_manifest(folder: Path) -> bool:
    """Return whether there is a manifest, valid or not; False where the folder is unreadable."""
    try:
        return (folder / MANIFEST).exists()
    except OSError:
        return False


def read_manifest(folder: Path, key: str) -> dict[str, Any] | None:
    """Read the manifest of an entry.

    Args:
        folder: The entry's folder.
        key: sha256 of its parts.

    Returns:
        {key, parts, chunks, meta, cost}; None where it is missing, damaged or of another key.
    """
    content = _read(folder / MANIFEST, key)
    try:
        valid = content and content["key"] == key and isinstance(content["cost"], dict)
        chunks = content and [_CHUNK_NAME.fullmatch(chunk["file"]) for chunk in content["chunks"]]
    except (KeyError, TypeError):
        return None
    return content if valid and chunks is not None and all(chunks) else None


def read_begun(folder: Path, key: str) -> dict[str, Any] | None:
    """Read {parts, meta} of an incomplete entry; None as for `read_manifest`."""
    return _read(folder / BEGUN, key)


def _read(file: Path, key: str) -> dict[str, Any] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        valid = sha256_json(content["parts"]) == key and isinstance(content["meta"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(content) if valid else None
