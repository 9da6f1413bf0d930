"""List the entries of a cache folder without opening them, which would mark or repair them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.evidence.entry_files import MANIFEST, chunk_number, read_begun, read_manifest

if TYPE_CHECKING:
    from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class EntryInfo:
    """A cache entry as it was on disk when it was listed.

    Attributes:
        folder: Its folder.
        kind: Kind of evidence, such as "activations".
        size: Bytes of all its files.
        used: When it was last opened or written to, in seconds since 1970.
        state: "complete", "begun" or "damaged"; the bytes of the chunks are not checked.
        manifest: Its manifest; None where it is missing or damaged.
        parts: The parts of its key; None where no file has them.
        chunk_files: The files of its chunks, in order.
    """

    folder: Path
    kind: str
    size: int
    used: float
    state: str
    manifest: dict[str, Any] | None = field(repr=False)
    parts: dict[str, Any] | None = field(repr=False)
    chunk_files: tuple[Path, ...] = field(repr=False)

    @property
    def key(self) -> str:
        """sha256 of its parts, 64 hexadecimal digits."""
        return self.folder.name


def list_entries(root: Path) -> list[EntryInfo]:
    """List all entries of a cache folder, least recently used first.

    Skip folders whose names are not those of entries.

    Args:
        root: The cache folder; may be missing.
    """
    entries = [info for folder in entry_folders(root) if (info := _read_info(folder))]
    return sorted(entries, key=lambda info: (info.used, info.key))


def entry_folders(root: Path) -> list[Path]:
    """List the folders of all entries."""
    return [
        folder
        for folder in root.glob("*/??/*")
        if _KEY.fullmatch(folder.name)
        and folder.name.startswith(folder.parent.name)
        and not folder.parents[1].name.startswith(".")
        and folder.is_dir()
    ]


def _read_info(folder: Path) -> EntryInfo | None:
    """Read the facts of an entry; None where it is being deleted."""
    try:
        files = {file.name: file.stat() for file in folder.iterdir()}
        times = [status.st_mtime for status in files.values()] or [folder.stat().st_mtime]
    except OSError:
        return None
    manifest = read_manifest(folder, folder.name)
    content = manifest or read_begun(folder, folder.name)
    state = "damaged" if MANIFEST in files else "begun"
    if manifest and all(chunk["file"] in files for chunk in manifest["chunks"]):
        state = "complete"
    return EntryInfo(
        folder=folder,
        kind=folder.parents[1].name,
        size=sum(status.st_size for status in files.values()) + _bytes_below(manifest),
        # Opening a complete entry sets the time of its manifest.
        used=files[MANIFEST].st_mtime if MANIFEST in files else max(times),
        state=state,
        manifest=manifest,
        parts=content["parts"] if content else None,
        chunk_files=tuple(
            sorted(file for name in files if chunk_number(file := folder / name) >= 0)
        ),
    )


def _bytes_below(manifest: dict[str, Any] | None) -> int:
    """Return the bytes of the files in sub-folders, which the manifest of a tree counts."""
    counted = manifest["meta"].get("bytes_below", 0) if manifest else 0
    return counted if isinstance(counted, int) else 0
