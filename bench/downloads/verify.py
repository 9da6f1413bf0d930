"""Verification of a downloaded file by its size and hashes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.downloads.data_folder import LEDGER, read_ledger
from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from bench.downloads.entry import Download


def verify(entry: Download, file: Path, data: Path, source: str) -> dict[str, Any]:
    """Compare size and hashes of a file with the published ones, and delete a wrong file.

    Args:
        entry: What it should be.
        file: The file.
        data: The data folder; its ledger has the hash of the first download.
        source: Where the file came from, for messages and the ledger.

    Returns:
        Facts for the ledger, and under "checked" how the file was verified, in words.

    Raises:
        UserError: It is another file.
    """
    size, md5, sha256 = _digest(file)
    recorded = read_ledger(data).get(entry.name, {}).get("sha256")
    faults = [
        f"its {name} is {value}, not {expected}"
        for name, value, expected in (
            ("size", size, entry.size), ("md5", md5, entry.md5), ("sha256", sha256, entry.sha256),
        )
        if expected not in (None, value)
    ]  # fmt: skip
    if not sha256.startswith(entry.sha256_prefix):
        faults.append(f"its sha256 is {sha256}, which does not begin with {entry.sha256_prefix}")
    if faults:
        file.unlink()
        checked_by = f" ({entry.checked_by})" if entry.checked_by else ""
        raise UserError(
            f"this file is not {entry.name}: {'; '.join(faults)}{checked_by}",
            where=source,
            hint="this copy was deleted; fetch it again"
            + ("" if entry.kind == "hub" else ", or from elsewhere with --from FILE|URL"),
        )
    if not entry.has_hash and recorded not in (None, sha256):
        file.unlink()
        raise UserError(
            f"{entry.name} is another file than at its first download: its sha256 is {sha256}, "
            f"and was {recorded}",
            where=source,
            hint=f"if its publisher replaced it, delete its entry in {data / LEDGER}",
        )
    return {
        "url": source,
        "file": entry.file_name,
        "size": size,
        "md5": md5,
        "sha256": sha256,
        "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        "checked": _describe_check(entry, sha256, recorded),
    }


def _describe_check(entry: Download, sha256: str, recorded: str | None) -> str:
    hashes = [name for name in ("sha256", "md5") if getattr(entry, name)]
    if entry.sha256_prefix:
        hashes.append(f"the first {len(entry.sha256_prefix)} digits of the sha256")
    if hashes:
        return f"{' and '.join(hashes)} as published"
    if recorded:
        return "sha256 as at the first download"
    return f"no checksum is published: sha256 {sha256[:12]}... is now on record"


def _digest(file: Path) -> tuple[int, str, str]:
    """Return (bytes, md5, sha256), read once."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = 0
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            md5.update(block)
            sha256.update(block)
            size += len(block)
    return size, md5.hexdigest(), sha256.hexdigest()
