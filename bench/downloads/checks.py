"""Whether what came is what was published, by its size and hashes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.downloads.places import read_ledger
from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from bench.downloads.entry import Download


def check(entry: Download, arrived: Path, data: Path, source: str) -> dict[str, Any]:
    """Hold the size and hashes of what came against what is known; a wrong file is deleted.

    Args:
        entry: What it should be.
        arrived: The file.
        data: The data folder, whose ledger knows earlier copies.
        source: Where it came from, for messages and the ledger.

    Returns:
        What the ledger keeps of it, and under "checked" how it was checked, in words.

    Raises:
        UserError: It is another file.
    """
    size, md5, sha256 = _digest(arrived)
    before = read_ledger(data).get(entry.name, {})
    faults = []
    for name, found, wanted in (
        ("size", size, entry.size), ("md5", md5, entry.md5), ("sha256", sha256, entry.sha256),
    ):  # fmt: skip
        if wanted is not None and found != wanted:
            faults.append(f"its {name} is {found}, not {wanted}")
    if not sha256.startswith(entry.sha256_prefix):
        faults.append(f"its sha256 is {sha256}, which does not begin with {entry.sha256_prefix}")
    if faults:
        arrived.unlink()
        told = f" ({entry.checked_by})" if entry.checked_by else ""
        raise UserError(
            f"what came is not {entry.name}: {'; '.join(faults)}{told}",
            where=source,
            hint="this copy was deleted; fetch it again"
            + ("" if entry.kind == "hub" else ", or from elsewhere with --from FILE|URL"),
        )
    if not entry.known and before.get("sha256") not in (None, sha256):
        arrived.unlink()
        raise UserError(
            f"{entry.name} is another file than at its first download: its sha256 is {sha256}, "
            f"and was {before['sha256']}",
            where=source,
            hint=f"if its publisher replaced it, delete its entry in {data / 'fetched.json'}",
        )
    names = [name for name in ("sha256", "md5") if getattr(entry, name)]
    if entry.sha256_prefix:
        names.append(f"the first {len(entry.sha256_prefix)} digits of the sha256")
    told = f"{' and '.join(names)} as published" if names else ""
    if not names:
        told = "sha256 as at the first download" if before.get("sha256") else ""
    return {
        "url": source,
        "file": entry.file_name,
        "size": size,
        "md5": md5,
        "sha256": sha256,
        "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        "checked": told or f"no checksum is published: sha256 {sha256[:12]}... is now on record",
    }


def _digest(file: Path) -> tuple[int, str, str]:
    """(bytes, md5, sha256) in one reading."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = 0
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            md5.update(block)
            sha256.update(block)
            size += len(block)
    return size, md5.hexdigest(), sha256.hexdigest()
