"""What a cache folder holds, without opening (and so touching or mending) any entry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench.evidence.chunks import MANIFEST, has_manifest, number_of, read_begun, read_manifest

if TYPE_CHECKING:
    from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Kept:
    """An entry as it lies on disk.

    Attributes:
        folder: Where it lies.
        kind: What it is of ("activations").
        size: Bytes of all its files.
        used: When it was last opened or written to, in seconds since 1970.
    """

    folder: Path
    kind: str
    size: int
    used: float

    @property
    def key(self) -> str:
        """sha256 of its parts, 64 hexadecimal digits."""
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """Its manifest; None where there is none that can be believed."""
        return read_manifest(self.folder, self.key)

    @cached_property
    def parts(self) -> dict[str, Any] | None:
        """The parts of its key; None where nothing that can be believed says them."""
        told = self.manifest or read_begun(self.folder, self.key)
        return told["parts"] if told else None

    @cached_property
    def state(self) -> str:
        """One of "complete", "begun", "damaged"; told from names, not from the chunks' bytes."""
        if not self.manifest:
            return "damaged" if has_manifest(self.folder) else "begun"
        names = [chunk["file"] for chunk in self.manifest["chunks"]]
        return "complete" if all((self.folder / n).is_file() for n in names) else "damaged"

    @property
    def chunk_files(self) -> list[Path]:
        """The files of its chunks, in order."""
        return sorted(file for file in self.folder.glob("*.npy") if number_of(file) >= 0)


def entries(root: Path) -> list[Kept]:
    """All entries of a cache folder, least recently used first.

    Nothing but folders that are named as the store names them is taken for an entry.

    Args:
        root: The cache folder; may be missing.
    """
    found = []
    for folder in root.glob("*/??/*"):
        named = _KEY.fullmatch(folder.name) and folder.name.startswith(folder.parent.name)
        if named and not folder.parents[1].name.startswith(".") and folder.is_dir():
            kept = _look(folder)
            if kept:
                found.append(kept)
    return sorted(found, key=lambda kept: (kept.used, kept.key))


def _look(folder: Path) -> Kept | None:
    """Size and last use of an entry; None where it is just being deleted."""
    try:
        files = {file.name: file.stat() for file in folder.iterdir()}
        times = [status.st_mtime for status in files.values()] or [folder.stat().st_mtime]
    except OSError:
        return None
    # A complete entry's last use is its manifest's time, which each opening sets.
    used = files[MANIFEST].st_mtime if MANIFEST in files else max(times)
    size = sum(status.st_size for status in files.values())
    return Kept(folder, folder.parents[1].name, size, used)
