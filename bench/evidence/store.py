"""A content-addressed store of arrays in chunks.

An entry's name is the sha256 of everything that decides its content. A chunk's file carries the
sha256 of its own bytes in its name, so that an interrupted run's chunks can be trusted; the
manifest is written last, and an entry without one is not complete.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from bench.errors import UserError
from bench.files import canonical_json, sha256_json, write_atomic

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

CHUNK = 1024
"""Rows (images, texts) in a chunk: the unit of cache and of interruption."""

LAYOUT = 1
"""Raised when old entries can no longer be read; part of every key."""

_MANIFEST = "manifest.json"

_CHUNK_NAME = re.compile(r"(\d{6})\.([0-9a-f]{64})\.npy")


class Store:
    """Entries by the content of their keys.

    Args:
        root: Folder of the store; made when first written to. None: everything stays in memory.
    """

    def __init__(self, root: str | Path | None) -> None:
        self.root = None if root is None else Path(root).expanduser()

    @contextmanager
    def hold(self, *keys: Mapping[str, Any]) -> Iterator[list[Entry]]:
        """Open entries and keep other processes from them meanwhile; they wait.

        Args:
            keys: The parts of each entry, as for `entry`.

        Yields:
            The entries, in the order of the keys.
        """
        names = {sha256_json({**parts, "layout": LAYOUT}) for parts in keys if self._locates(parts)}
        with ExitStack() as locks:
            for name in sorted(names):  # one order for all processes: none waits in a circle
                assert self.root is not None
                folder = self._make(self.root / "locks")
                locks.enter_context(FileLock(folder / f"{name}.lock"))
            yield [self.entry(parts) for parts in keys]

    def entry(self, parts: Mapping[str, Any]) -> Entry:
        """Open the entry of a key; it may be complete, begun or empty.

        Args:
            parts: Everything that decides the content: {kind, n, ...}. Where one of them, at any
                depth, is None or "unknown", the entry is kept in memory and never found again.

        Raises:
            UserError: The store's folder cannot be used.
        """
        whole = {**parts, "layout": LAYOUT}
        if not self._locates(parts):
            return Entry(whole, None, "")
        assert self.root is not None
        key = sha256_json(whole)
        folder = self._make(self.root / str(parts["kind"]) / key[:2] / key)
        return Entry(whole, folder, key)

    def _locates(self, parts: Mapping[str, Any]) -> bool:
        unknown = _first_unknown(parts, "")
        if unknown:
            log.info("not cached: %s is unknown in the key of %s", unknown, parts.get("kind"))
        return self.root is not None and not unknown

    def _make(self, folder: Path) -> Path:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"the cache folder {self.root} cannot be used: {error.strerror}",
                where="runtime.cache",
                cure="set runtime.cache to a folder that you may write to",
            ) from error
        return folder


class Entry:
    """One content: chunks of rows, what is known of it, and what it cost.

    Attributes:
        parts: The key's parts.
        folder: Where it lies; None in memory.
        key: sha256 of the parts; empty in memory.
        meta: What was learned when it was made (map size, number of units); empty until complete.
        cost: What making it cost; None until complete.
    """

    def __init__(self, parts: Mapping[str, Any], folder: Path | None, key: str) -> None:
        self.parts = dict(parts)
        self.folder = folder
        self.key = key
        self.meta: dict[str, Any] = {}
        self.cost: dict[str, Any] | None = None
        self.complete = False
        self._count = -(-int(parts["n"]) // CHUNK)
        self._arrays: dict[int, NDArray[Any]] = {}
        self._files: dict[int, Path] = {}
        if folder is not None:
            self._look(folder)

    @property
    def missing(self) -> list[int]:
        """Numbers of the chunks that are still to be made, ascending."""
        held = self._files if self.folder else self._arrays
        return [number for number in range(self._count) if number not in held]

    @property
    def empty(self) -> bool:
        """Whether no chunk is made yet."""
        return len(self.missing) == self._count

    def put(self, number: int, array: NDArray[Any]) -> None:
        """Write a chunk, whole or not at all."""
        array = np.ascontiguousarray(array)
        if self.folder is None:
            self._arrays[number] = array
            return
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        data = buffer.getvalue()
        file = self.folder / f"{number:06d}.{hashlib.sha256(data).hexdigest()}.npy"
        write_atomic(file, data)
        self._files[number] = file

    def finish(self, meta: Mapping[str, Any], cost: Mapping[str, Any]) -> None:
        """Declare the entry complete: write its manifest.

        Args:
            meta: JSON-ready facts about the content.
            cost: JSON-ready cost of making it.
        """
        assert not self.missing
        self.meta, self.cost, self.complete = dict(meta), dict(cost), True
        if self.folder is None:
            return
        chunks = [
            {"file": file.name, "sha256": _named_sha256(file), "shape": _shape(file)}
            for _, file in sorted(self._files.items())
        ]
        manifest = {
            "key": self.key,
            "parts": json.loads(canonical_json(self.parts)),
            "chunks": chunks,
            "meta": self.meta,
            "cost": self.cost,
        }
        write_atomic(self.folder / _MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")

    def chunk(self, number: int) -> NDArray[Any]:
        """Read a chunk; its bytes were checked when the entry was opened."""
        if self.folder is None:
            return self._arrays[number]
        array: NDArray[Any] = np.load(self._files[number], allow_pickle=False)
        return array

    def read(self, axis: int = 0, index: Sequence[int] | None = None) -> NDArray[Any]:
        """Read all chunks as one array.

        Args:
            axis: The axis of rows, along which chunks are joined.
            index: Where given, these positions of the first axis are taken from every chunk first.
        """
        chunks = (self.chunk(number) for number in range(self._count))
        taken = [chunk if index is None else chunk[list(index)] for chunk in chunks]
        return np.concatenate(taken, axis=axis)

    def _look(self, folder: Path) -> None:
        """Find what is there, and drop what is damaged."""
        manifest = self._read_manifest(folder)
        if manifest:
            files = [folder / chunk["file"] for chunk in manifest["chunks"]]
            found = {_number(file): file for file in files}
        else:
            found = {_number(file): file for file in sorted(folder.glob("*.npy"))}
        found.pop(-1, None)
        sound = {number: file for number, file in found.items() if _is_sound(file)}
        self._files = {n: file for n, file in sorted(sound.items()) if n < self._count}
        if manifest and not self.missing:
            self.meta, self.cost, self.complete = manifest["meta"], manifest["cost"], True
        elif (folder / _MANIFEST).exists() or len(sound) < len(found):
            log.warning("the cache entry %s is damaged: it is deleted and made again", folder)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            self._files = {}
        elif self._files and not self.missing:
            # Interrupted just before its manifest, and what that says comes with the last chunk.
            self._files.popitem()[1].unlink()

    def _read_manifest(self, folder: Path) -> dict[str, Any] | None:
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            fits = manifest["key"] == self.key and sha256_json(manifest["parts"]) == self.key
            named = [chunk["file"] for chunk in manifest["chunks"]]
            known = isinstance(manifest["meta"], dict) and isinstance(manifest["cost"], dict)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return manifest if fits and known and all(isinstance(n, str) for n in named) else None


def _first_unknown(value: Any, at: str) -> str:
    """Path of the first part that is None or "unknown"; empty where all are known."""
    if value is None or value == "unknown":
        return at or "it"
    if isinstance(value, Mapping):
        inside = [_first_unknown(v, f"{at}.{k}".lstrip(".")) for k, v in value.items()]
        return next((path for path in inside if path), "")
    if isinstance(value, list | tuple):
        inside = [_first_unknown(v, f"{at}[{i}]") for i, v in enumerate(value)]
        return next((path for path in inside if path), "")
    return ""


def _number(file: Path) -> int:
    match = _CHUNK_NAME.fullmatch(file.name)
    return int(match[1]) if match else -1


def _named_sha256(file: Path) -> str:
    match = _CHUNK_NAME.fullmatch(file.name)
    assert match
    return match[2]


def _is_sound(file: Path) -> bool:
    # Not from the memory of fingerprints: a failing disk changes no time stamp.
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == _named_sha256(file)
    except OSError:
        return False


def _shape(file: Path) -> list[int]:
    return list(np.load(file, mmap_mode="r", allow_pickle=False).shape)
