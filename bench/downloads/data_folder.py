"""The data folder: where downloads are kept, their state, and the ledger of their hashes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.downloads.hub.cache import snapshot
from bench.errors import UserError
from bench.files import cache_home, sha256_file, write_atomic

if TYPE_CHECKING:
    from bench.downloads.entry import Download

LEDGER = "fetched.json"
"""Size and sha256 of every download; later copies are compared with it."""

INCOMING = ".incoming"
"""Unfinished downloads, and complete archives that are not unpacked yet."""

_UNVERIFIED = "not checked: it was not fetched by this program"
_BY_HAND = "not checked: it was put here by hand"


@dataclass(frozen=True)
class State:
    """State of an entry on this machine.

    Attributes:
        kind: "by hand" for an entry that is missing and that only its owners distribute.
        detail: What is wrong with it, or not checked; empty if there is nothing to report.
    """

    kind: Literal["here", "missing", "damaged", "by hand"]
    detail: str = ""


def data_home() -> Path:
    """Return $DISSECTBENCH_DATA, or data/ in the folder of `bench.files.cache_home`."""
    own = os.environ.get("DISSECTBENCH_DATA")
    return Path(own).expanduser() if own else cache_home() / "data"


def path_of(entry: Download, data: Path | None = None) -> Path:
    """Return where an entry is kept; models of the hub are kept in the hub's own cache."""
    if entry.kind == "hub":
        return snapshot(entry.repo, entry.revision)
    return (data or data_home()) / entry.path


def incoming_path(entry: Download, data: Path) -> Path:
    """Return where the published file arrives; a user may also put it there by hand."""
    return data / INCOMING / entry.name / entry.file_name


def inspect_entry(
    entry: Download, data: Path | None = None, *, hashes: bool = True, count_files: bool = False
) -> State:
    """Return the state of an entry, without a connection.

    Args:
        entry: The entry.
        data: The data folder; the user's own if None.
        hashes: Compare sha256, not only names and sizes.
        count_files: Count the files of an unpacked archive too, which is slow for large ones.
    """
    data = data or data_home()
    path = path_of(entry, data)
    if entry.agreement:
        return State("here", _BY_HAND) if path.exists() else State("by hand")
    try:
        if entry.kind == "hub":
            return _inspect_snapshot(entry, path, data, hashes)
        if entry.kind == "file":
            return _inspect_file(entry, path, data, hashes)
        return _inspect_folder(entry, path, data, count_files)
    except OSError as error:
        return State("damaged", f"it cannot be read: {error.strerror or error}")


def _inspect_snapshot(entry: Download, path: Path, data: Path, hashes: bool) -> State:
    """Check that a model's files are in the hub's cache, and compare the weights."""
    missing = [name for name in entry.files if not (path / name).is_file()]
    if missing:
        # The hub's libraries create the folder with the first file that they need.
        partial = len(missing) < len(entry.files)
        return State("missing", f"it lacks {missing[0]}" if partial else "")
    return _inspect_file(entry, path / entry.files[0], data, hashes)


def _inspect_file(entry: Download, path: Path, data: Path, hashes: bool) -> State:
    if not path.is_file():
        return State("missing")
    size = path.stat().st_size
    recorded = read_ledger(data).get(entry.name, {})
    expected = entry.size if entry.size is not None else recorded.get("size")
    if expected not in (None, size):
        return State("damaged", f"it has {size:,} bytes, not {expected:,}")
    if not hashes:
        return State("here")
    sha256 = entry.sha256 or recorded.get("sha256") or entry.sha256_prefix
    if not sha256:
        return State("here", _UNVERIFIED)
    matches = sha256_file(path).startswith(sha256)
    return State("here") if matches else State("damaged", "its sha256 is another")


def _inspect_folder(entry: Download, path: Path, data: Path, count_files: bool) -> State:
    if not path.is_dir():
        return State("missing")
    missing = [name for name in entry.contents if not (path / name).exists()]
    if missing:
        return State("damaged", f"it lacks {missing[0]}")
    recorded = read_ledger(data).get(entry.name)
    if recorded is None:
        return State("here", _UNVERIFIED)
    if count_files:
        sizes = [file.lstat().st_size for file in path.rglob("*") if not file.is_dir()]
        found, expected = (len(sizes), sum(sizes)), (recorded["files"], recorded["bytes"])
        if found != expected:
            contents = "{:,} files with {:,} bytes, where {:,} with {:,} were unpacked"
            return State("damaged", contents.format(*found, *expected))
    return State("here")


def read_ledger(data: Path) -> dict[str, dict[str, Any]]:
    """Return the recorded facts of everything fetched into a data folder, by name.

    Raises:
        UserError: The file exists and cannot be read, so that nothing can be verified.
    """
    file = data / LEDGER
    if not file.exists():
        return {}
    try:
        ledger = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot read the ledger of downloads: {error}",
            where=str(file),
            hint="delete this file; the downloads beside it then count as put there by hand",
        ) from error
    return ledger if isinstance(ledger, dict) else {}


def record(entry: Download, data: Path, facts: dict[str, Any]) -> None:
    """Write the facts of a download into the ledger."""
    from filelock import FileLock

    (data / INCOMING).mkdir(parents=True, exist_ok=True)
    with FileLock(data / INCOMING / "ledger.lock"):
        ledger = {**read_ledger(data), entry.name: facts}
        write_atomic(data / LEDGER, json.dumps(ledger, indent=2, sort_keys=True) + "\n")
