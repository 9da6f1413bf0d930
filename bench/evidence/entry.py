"""One content of the store: chunks of rows, what is known of it, and what it cost."""

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
from bench.evidence.chunks import (
    BEGUN,
    MANIFEST,
    encode,
    has_manifest,
    is_sound,
    named_sha256,
    number_of,
    read_begun,
    read_manifest,
    shape_of,
)
from bench.files import canonical_json, is_refusal, write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.evidence.uses import Use

log = logging.getLogger(__name__)


class Entry:
    """One content: chunks of rows, what is known of it, and what it cost.

    Attributes:
        parts: The key's parts.
        folder: Where it lies; None in memory.
        key: sha256 of the parts; empty in memory.
        meta: What was learned when it was made (map size, number of units); empty until begun.
        cost: What making it cost; None until complete.
        complete: Whether all of it is there.
        count: Number of its chunks.

    Args:
        parts: The key's parts.
        folder: Where it lies or will lie; None to keep it in memory.
        key: sha256 of the parts.
        rows: Rows of a chunk.
        writable: Whether anything in the folder may be changed.
        use: Says that the entry is in use, as long as the entry lives.
    """

    def __init__(
        self,
        parts: Mapping[str, Any],
        folder: Path | None,
        key: str,
        rows: int,
        *,
        writable: bool = True,
        use: Use | None = None,
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
        self._use = use
        if folder is not None:
            self._look(folder)

    @property
    def missing(self) -> list[int]:
        """Numbers of the chunks that are still to be made, ascending."""
        held = self._files.keys() | self._arrays.keys()
        return [number for number in range(self.count) if number not in held]

    def missing_in(self, numbers: range) -> bool:
        """Whether any of these chunks is still to be made."""
        return any(n in numbers for n in self.missing)

    @property
    def empty(self) -> bool:
        """Whether no chunk is made yet."""
        return len(self.missing) == self.count

    @property
    def on_disk(self) -> bool:
        """Whether what is put goes to its folder, as far as is known yet."""
        return self.folder is not None and self._writable

    @property
    def bytes_in_memory(self) -> int:
        """Size of the chunks that are not on disk."""
        return sum(array.nbytes for array in self._arrays.values())

    def begin(self, meta: Mapping[str, Any]) -> None:
        """Note what is known of the content before its first chunk; later calls change nothing.

        Whoever finds the chunks then knows what they are of, however their maker ended.
        """
        if not self.meta:
            self.meta = dict(meta)
            if self.folder is not None:
                begun = {"parts": json.loads(canonical_json(self.parts)), "meta": self.meta}
                text = json.dumps(begun, indent=1, sort_keys=True) + "\n"
                self._write(self.folder / BEGUN, text)

    def put(self, number: int, array: NDArray[Any]) -> None:
        """Write a chunk, whole or not at all; in memory where the folder cannot be written to."""
        if self.folder is not None and self._writable:
            name, data = encode(number, array)
            file = self.folder / name
            if self._write(file, data):
                self._files[number] = file
                return
        self._arrays[number] = np.ascontiguousarray(array)

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
        if self._arrays or not self._write(self.folder / MANIFEST, self._manifest()):
            memory.remember(self)
        else:
            with suppress(OSError):
                (self.folder / BEGUN).unlink(missing_ok=True)

    def chunk(self, number: int, *, mapped: bool = False) -> NDArray[Any]:
        """Read a chunk; its bytes were checked when the entry was opened.

        Args:
            number: Which.
            mapped: Only look into its file: what is taken of the array is read then.

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
                hint="run again; runtime.retry_failed=true takes failed cells up",
            ) from error
        return array

    def read(self, axis: int = 0, index: Sequence[int] | None = None) -> NDArray[Any]:
        """Read all chunks as one array.

        Args:
            axis: The axis of rows, along which chunks are joined.
            index: Where given, these positions of the first axis are taken from every chunk first.

        Raises:
            UserError: A chunk's file was deleted since the entry was opened.
        """
        chunks = (self.chunk(number) for number in range(self.count))
        taken = [chunk if index is None else chunk[list(index)] for chunk in chunks]
        return np.concatenate(taken, axis=axis)

    def _write(self, file: Path, data: str | bytes) -> bool:
        assert self.folder is not None
        if not self._writable:
            return False
        try:
            write_atomic(file, data)
        except OSError as error:
            if not is_refusal(error):
                raise
            memory.tell(self.folder.parents[2], error)
            self._writable = False
        return self._writable

    def _manifest(self) -> str:
        chunks = [
            {"file": file.name, "sha256": named_sha256(file), "shape": shape_of(file)}
            for _, file in sorted(self._files.items())
        ]
        manifest = {
            "key": self.key,
            "parts": json.loads(canonical_json(self.parts)),
            "chunks": chunks,
            "meta": self.meta,
            "cost": self.cost,
        }
        return json.dumps(manifest, indent=1, sort_keys=True) + "\n"

    def _look(self, folder: Path) -> None:
        """Find what is there, and drop what is damaged."""
        manifest = read_manifest(folder, self.key)
        if manifest:
            files = [folder / chunk["file"] for chunk in manifest["chunks"]]
            found = {number_of(file): file for file in files}
        else:
            found = {number_of(file): file for file in sorted(folder.glob("*.npy"))}
        found.pop(-1, None)
        sound = {number: file for number, file in found.items() if is_sound(file)}
        self._files = {n: file for n, file in sorted(sound.items()) if n < self.count}
        if manifest and not self.missing:
            self.meta, self.cost, self.complete = manifest["meta"], manifest["cost"], True
            with suppress(OSError):  # the manifest's time is the entry's last use; see prune.py
                os.utime(folder / MANIFEST)
        elif has_manifest(folder) or len(sound) < len(found):
            self._files = {}
            if self._writable:
                log.warning("the cache entry %s is damaged: it is deleted and made again", folder)
                shutil.rmtree(folder, ignore_errors=True)
            else:
                log.warning("the cache entry %s is damaged: it is made again in memory", folder)
        elif begun := read_begun(folder, self.key):
            self.meta = begun["meta"]
        elif self._files and not self.missing:
            # All chunks and no word of what they hold: that comes with making one again.
            _, last = self._files.popitem()
            if self._writable:
                last.unlink()
