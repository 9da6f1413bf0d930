"""One entry of the cache: chunks of rows, facts about them, and what they cost."""

from __future__ import annotations

import json
import logging
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bench.errors import UserError
from bench.evidence import memory
from bench.evidence.entry_files import (
    BEGUN,
    MANIFEST,
    chunk_number,
    chunk_sha256,
    encode_chunk,
    has_manifest,
    is_intact,
    read_begun,
    read_manifest,
)
from bench.files import is_refusal, write_atomic
from leaderboards.hashing import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.leases import Lease

log = logging.getLogger(__name__)


class Entry:
    """One entry: chunks of rows, in its folder or in memory.

    Opening an entry checks the bytes of its chunks and deletes damaged ones.

    Args:
        parts: The parts of its key.
        folder: Its folder, which may not exist yet; None to keep it in memory.
        key: sha256 of the parts; "" in memory.
        rows: Rows of a chunk.
        writable: Whether the folder may be changed.
        lease: Keeps the entry from being pruned while it is referenced.

    Attributes:
        meta: Facts that are known once it is begun, such as map size and number of units.
        cost: What making it cost; None until it is complete.
        complete: Whether all chunks and the manifest exist.
        count: Number of its chunks.
    """

    def __init__(
        self,
        parts: Mapping[str, Any],
        folder: Path | None,
        key: str,
        rows: int,
        *,
        writable: bool = True,
        lease: Lease | None = None,
    ) -> None:
        self.parts = dict(parts)
        self.folder = folder
        self.key = key
        self.meta: dict[str, Any] = {}
        self.cost: dict[str, Any] | None = None
        self.complete = False
        self.count = -(-int(parts["n"]) // rows)
        self._arrays: dict[int, NDArray[Any]] = {}
        self._files: dict[int, Path] = {}
        self._writable = writable
        self._lease = lease
        if folder is not None:
            self._open(folder)

    @property
    def missing(self) -> list[int]:
        """Numbers of the chunks that are still to be made, ascending."""
        made = self._files.keys() | self._arrays.keys()
        return [number for number in range(self.count) if number not in made]

    def missing_in(self, numbers: range) -> bool:
        """Return whether any of these chunks is still to be made."""
        return any(n in numbers for n in self.missing)

    @property
    def empty(self) -> bool:
        """Whether no chunk is made yet."""
        return len(self.missing) == self.count

    @property
    def on_disk(self) -> bool:
        """Whether chunks are written to the folder, unless that fails."""
        return self.folder is not None and self._writable

    @property
    def bytes_in_memory(self) -> int:
        """Size of the chunks that are not on disk."""
        return sum(array.nbytes for array in self._arrays.values())

    def begin(self, meta: Mapping[str, Any]) -> None:
        """Record the facts before the first chunk; later calls change nothing.

        They are written to disk, so that the chunks of an interrupted run can be used.
        """
        if not self.meta:
            self.meta = dict(meta)
            if self.folder is not None:
                begun = {"parts": json.loads(canonical_json(self.parts)), "meta": self.meta}
                self._write(self.folder / BEGUN, _pretty_json(begun))

    def put(self, number: int, array: NDArray[Any]) -> None:
        """Write a chunk, whole or not at all; keep it in memory where that fails."""
        if self.folder is not None and self._writable:
            name, data = encode_chunk(number, array)
            if self._write(self.folder / name, data):
                self._files[number] = self.folder / name
                return
        self._arrays[number] = np.ascontiguousarray(array)

    def finish(self, meta: Mapping[str, Any], cost: Mapping[str, Any]) -> None:
        """Declare the entry complete, and write its manifest.

        Args:
            meta: JSON-ready facts about the content.
            cost: JSON-ready cost of making it.
        """
        assert not self.missing
        self.meta, self.cost, self.complete = dict(meta), dict(cost), True
        if self.folder is None:
            return
        if self._arrays or not self._write(self.folder / MANIFEST, self._manifest()):
            memory.remember(self.folder, self, self.bytes_in_memory)
        else:
            with suppress(OSError):
                (self.folder / BEGUN).unlink(missing_ok=True)

    def chunk(self, number: int, *, mapped: bool = False) -> NDArray[Any]:
        """Read a chunk; its bytes were checked when the entry was opened.

        Args:
            number: Which.
            mapped: Map its file into memory instead of reading it.

        Raises:
            UserError: Its file was deleted since.
        """
        if number in self._arrays:
            return self._arrays[number]
        try:
            mode: Literal["r"] | None = "r" if mapped else None
            array: NDArray[Any] = np.load(self._files[number], mode, allow_pickle=False)
        except FileNotFoundError as error:
            raise UserError(
                f"the cache entry {self.folder} was deleted while it was in use",
                where="runtime.cache",
                hint="run again; runtime.retry_failed=true repeats failed cells",
            ) from error
        return array

    def read(self, axis: int = 0, index: Sequence[int] | None = None) -> NDArray[Any]:
        """Read all chunks as one array.

        Args:
            axis: The axis of rows, along which chunks are joined.
            index: Take only these positions of the first axis from each chunk; None takes all.

        Raises:
            UserError: A chunk's file was deleted since the entry was opened.
        """
        chunks = (self.chunk(number) for number in range(self.count))
        taken = [chunk if index is None else chunk[list(index)] for chunk in chunks]
        return np.concatenate(taken, axis=axis)

    def _write(self, file: Path, data: str | bytes) -> bool:
        """Write a file; return False where the folder cannot be written to."""
        assert self.folder is not None
        if not self._writable:
            return False
        try:
            write_atomic(file, data)
        except OSError as error:
            if not is_refusal(error):
                raise
            memory.warn_once(self.folder.parents[2], error)
            self._writable = False
        return self._writable

    def _manifest(self) -> str:
        chunks = [
            {
                "file": file.name,
                "sha256": chunk_sha256(file),
                "shape": list(self.chunk(number, mapped=True).shape),
            }
            for number, file in sorted(self._files.items())
        ]
        manifest = {
            "key": self.key,
            "parts": json.loads(canonical_json(self.parts)),
            "chunks": chunks,
            "meta": self.meta,
            "cost": self.cost,
        }
        return _pretty_json(manifest)

    def _open(self, folder: Path) -> None:
        """Find the chunks and facts on disk, and delete what is damaged."""
        manifest = read_manifest(folder, self.key)
        if manifest:
            files = [folder / chunk["file"] for chunk in manifest["chunks"]]
        else:
            files = sorted(folder.glob("*.npy"))
        by_number = {chunk_number(file): file for file in files}
        by_number.pop(-1, None)
        intact = {number: file for number, file in by_number.items() if is_intact(file)}
        self._files = {number: file for number, file in intact.items() if number < self.count}
        if manifest and not self.missing:
            self.meta, self.cost, self.complete = manifest["meta"], manifest["cost"], True
            with suppress(OSError):  # the manifest's time is the entry's last use (see inventory)
                os.utime(folder / MANIFEST)
        elif has_manifest(folder) or len(intact) < len(by_number):
            self._files = {}
            if self._writable:
                log.warning("the cache entry %s is damaged: it is deleted and made again", folder)
                shutil.rmtree(folder, ignore_errors=True)
            else:
                log.warning("the cache entry %s is damaged: it is made again in memory", folder)
        elif begun := read_begun(folder, self.key):
            self.meta = begun["meta"]
        elif self._files and not self.missing:
            # All chunks but no facts about them: make one chunk again, to find the facts.
            _, last = self._files.popitem()
            if self._writable:
                last.unlink()


def _pretty_json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=True) + "\n"
