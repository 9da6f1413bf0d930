"""The data folder: where things lie, what is here, and what was recorded when it came."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.downloads.hub_cache import snapshot
from bench.errors import UserError
from bench.files import cache_home, sha256_file, write_atomic

if TYPE_CHECKING:
    from bench.downloads.entry import Download

LEDGER = "fetched.json"
"""What was fetched, with its size and sha256; later copies are held against it."""

INCOMING = ".incoming"
"""Unfinished downloads; and archives that are whole but not yet unpacked."""

Kind = Literal["here", "missing", "damaged", "by hand"]


@dataclass(frozen=True)
class State:
    """Whether something is here.

    Attributes:
        kind: "by hand" is what cannot be fetched, wherever it may be.
        detail: What is wrong with it, or not known; empty where nothing is to be said.
    """

    kind: Kind
    detail: str = ""


def data_home() -> Path:
    """$DISSECTBENCH_DATA, else data/ in the folder of `bench.files.cache_home`."""
    own = os.environ.get("DISSECTBENCH_DATA")
    return Path(own).expanduser() if own else cache_home() / "data"


def place(entry: Download, data: Path | None = None) -> Path:
    """Where a thing is, or will be.

    A model of the Hugging Face hub lies in the hub's own cache, so that the libraries that read it
    find it there.
    """
    if entry.kind == "hub":
        return snapshot(entry.repo, entry.revision)
    return (data or data_home()) / entry.path


def incoming(entry: Download, data: Path) -> Path:
    """Where the published file of a thing arrives; with `.part` behind its name until it is whole.

    A file that was put there by other means is checked and taken.
    """
    return data / INCOMING / entry.name / entry.file_name


def look(
    entry: Download, data: Path | None = None, *, thorough: bool = False, quick: bool = False
) -> State:
    """What is here of a thing; opens no connection.

    Args:
        entry: The thing.
        data: The data folder; the user's own where None.
        thorough: Count the files of an unpacked archive too, which takes a while for many.
        quick: Look at names and sizes alone: no hash is taken.
    """
    data = data or data_home()
    path = place(entry, data)
    if entry.agreement:
        here = State("here", "not checked: it was put here by hand")
        return here if path.exists() else State("by hand")
    try:
        if entry.kind == "hub":
            return _look_at_snapshot(entry, path, data, quick)
        if entry.kind == "file":
            return _look_at_file(entry, path, data, quick)
        return _look_at_folder(entry, path, data, thorough)
    except OSError as error:
        return State("damaged", f"it cannot be read: {error.strerror or error}")


def _look_at_snapshot(entry: Download, path: Path, data: Path, quick: bool) -> State:
    """A model in the hub's cache: all its files, and the weights held against their hash."""
    lacking = [name for name in entry.files if not (path / name).is_file()]
    if lacking:
        # The hub's libraries make the folder for the first file that they come across.
        return State("missing", f"it lacks {lacking[0]}" if lacking != [*entry.files] else "")
    return _look_at_file(entry, path / entry.files[0], data, quick)


def _look_at_file(entry: Download, path: Path, data: Path, quick: bool) -> State:
    if not path.is_file():
        return State("missing")
    size = path.stat().st_size
    recorded = read_ledger(data).get(entry.name, {})
    wanted = entry.size if entry.size is not None else recorded.get("size")
    if wanted is not None and size != wanted:
        return State("damaged", f"it has {size:,} bytes, not {wanted:,}")
    sha256 = entry.sha256 or recorded.get("sha256") or entry.sha256_prefix
    if quick:
        return State("here")
    if not sha256:
        return State("here", "not checked: it was not fetched by this program")
    if not sha256_file(path).startswith(sha256):
        return State("damaged", "its sha256 is another")
    return State("here")


def _look_at_folder(entry: Download, path: Path, data: Path, thorough: bool) -> State:
    if not path.is_dir():
        return State("missing")
    lacking = [name for name in entry.holds if not (path / name).exists()]
    if lacking:
        return State("damaged", f"it lacks {lacking[0]}")
    recorded = read_ledger(data).get(entry.name, {})
    if not recorded:
        return State("here", "not checked: it was not fetched by this program")
    if thorough:
        count, total = measure(path)
        if (count, total) != (recorded.get("files"), recorded.get("bytes")):
            return State(
                "damaged",
                f"{count:,} files with {total:,} bytes, where {recorded.get('files'):,} with "
                f"{recorded.get('bytes'):,} were unpacked",
            )
    return State("here")


def measure(folder: Path) -> tuple[int, int]:
    """Number of the files below a folder, and their bytes together."""
    count = total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            count += 1
            total += (Path(where) / name).lstat().st_size
    return count, total


def read_ledger(data: Path) -> dict[str, dict[str, Any]]:
    """What was recorded of everything that was fetched into a data folder, by name.

    Raises:
        UserError: The file is there and cannot be read: then nothing can be checked.
    """
    file = data / LEDGER
    if not file.exists():
        return {}
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot read what was fetched before: {error}",
            where=str(file),
            hint="delete this file; what lies beside it is then taken as put there by hand",
        ) from error
    known = loaded if isinstance(loaded, dict) else {}
    return {str(name): said for name, said in known.items() if isinstance(said, dict)}


def record(entry: Download, data: Path, facts: dict[str, Any]) -> None:
    """Write what came into the ledger."""
    from filelock import FileLock

    (data / INCOMING).mkdir(parents=True, exist_ok=True)
    with FileLock(data / INCOMING / "ledger.lock"):
        ledger = read_ledger(data)
        ledger[entry.name] = facts
        write_atomic(data / LEDGER, json.dumps(ledger, indent=2, sort_keys=True) + "\n")
