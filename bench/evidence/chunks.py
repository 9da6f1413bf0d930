"""How an entry lies on disk: chunk files named by their own sha256, and a manifest.

Until the manifest is written, its first half stands in a file of its own. All lie in
<kind>/<first two digits of the key>/<key>/.
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


def encode(number: int, array: NDArray[Any]) -> tuple[str, bytes]:
    """The name and the bytes of a chunk's file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    data = buffer.getvalue()
    return f"{number:06d}.{hashlib.sha256(data).hexdigest()}.npy", data


def number_of(file: Path) -> int:
    """The number of a chunk by its file's name; -1 for other files."""
    match = _CHUNK_NAME.fullmatch(file.name)
    return int(match[1]) if match else -1


def named_sha256(file: Path) -> str:
    """The sha256 that a chunk's file says it has; empty for other files."""
    match = _CHUNK_NAME.fullmatch(file.name)
    return match[2] if match else ""


def is_sound(file: Path) -> bool:
    """Whether a chunk's file holds the bytes that its name says."""
    # Not from the memory of fingerprints: a failing disk changes no time stamp.
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == named_sha256(file)
    except OSError:
        return False


def shape_of(file: Path) -> list[int]:
    """The shape of a chunk, from its file's header."""
    return list(np.load(file, mmap_mode="r", allow_pickle=False).shape)


def has_manifest(folder: Path) -> bool:
    """Whether there is a manifest, sound or not; False where that cannot be seen."""
    try:
        return (folder / MANIFEST).exists()
    except OSError:
        return False


def read_manifest(folder: Path, key: str) -> dict[str, Any] | None:
    """The manifest of an entry; None where it is missing, damaged or of another key.

    Args:
        folder: The entry's folder.
        key: sha256 of its parts.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        fits = manifest["key"] == key and sha256_json(manifest["parts"]) == key
        named = [_CHUNK_NAME.fullmatch(chunk["file"]) for chunk in manifest["chunks"]]
        known = isinstance(manifest["meta"], dict) and isinstance(manifest["cost"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(manifest) if fits and known and all(named) else None


def read_begun(folder: Path, key: str) -> dict[str, Any] | None:
    """Parts and facts of an entry that is being made; None where they cannot be believed.

    Args:
        folder: The entry's folder.
        key: sha256 of its parts.
    """
    try:
        begun = json.loads((folder / BEGUN).read_text(encoding="utf-8"))
        fits = sha256_json(begun["parts"]) == key and isinstance(begun["meta"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(begun) if fits else None
