"""The records of a board in one file: made by `dissectbench pack`, read in place by the commands.

The file is a tar archive, compressed with xz as a whole. A record's tables, `*.csv.gz`, lie in it
as plain `*.csv`, so that tables which resemble each other are compressed together. Names are
sorted, and times, owners and permissions are fixed: the same records give the same bytes. (Another
release of xz may compress to other bytes; they hold the same.)
"""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.downloads.unpack import BadArchiveError, Limits, unpack
from bench.errors import UserError
from bench.files import atomic_path
from leaderboards.files import gzip_bytes
from leaderboards.record import RecordError, slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIMITS = Limits(files=500_000, total=4 * 10**9)
"""Some 10,000 records, each of a layer of 1,000 units; neither made nor read beyond."""

_XZ = b"\xfd7zXZ\0"
_PLAIN, _PACKED = ".csv", ".csv.gz"
_ROOM = "free some space, or choose another disk: --out DIR, or $TMPDIR where none is given"
_ANEW = "get a whole copy of it, or make it anew: `dissectbench pack RESULTS --out FILE`"


@dataclass(frozen=True)
class Packed:
    """What went into an archive.

    Attributes:
        records: Number of records.
        files: Number of files.
        left_out: Files below the folder that belong to no record.
    """

    records: int
    files: int
    left_out: tuple[Path, ...]


def pack_records(root: Path, archive: Path) -> Packed:
    """Write the records below a folder into an archive; the file is written whole or not at all.

    Hidden files and folders are passed over: they hold unfinished writes.

    Raises:
        UserError: There is no record, a file cannot be read or archived, or the records are more
            than `LIMITS` allows.
    """
    shown = [
        path
        for path in root.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    records = {path.parent for path in shown if path.name == "record.json"}
    if not records:
        raise UserError(
            "there is no record here" if root.is_dir() else "no such folder",
            where=str(root),
            hint="give a folder of records such as results/local",
        )
    files = [path for path in shown if path.is_symlink() or not path.is_dir()]
    members = {
        _member_name(path.relative_to(root), path): path
        for path in files
        if not records.isdisjoint(path.parents)
    }
    if len(members) > LIMITS.files:
        raise _too_much(root, f"{LIMITS.files:,} files")
    total = 0
    with (
        atomic_path(archive) as temporary,
        lzma.open(temporary, "wb", preset=9 | lzma.PRESET_EXTREME) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(members):
            data = _content(members[name])
            total += len(data)
            if total > LIMITS.total:
                raise _too_much(root, f"{LIMITS.total:,} bytes")
            # Its defaults: no time, no owner, and permissions 0644.
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    left_out = sorted(set(files) - set(members.values()))
    return Packed(len(records), len(members), tuple(left_out))


def unpack_records(archive: Path, folder: Path) -> None:
    """Unpack an archive into an empty folder, tables compressed as a run writes them.

    Raises:
        UserError: It is no archive of records, is damaged, or holds what none should: links, names
            that lead out of the folder, too much.
    """
    if not is_archive(archive):
        raise UserError(
            "this is no archive of records" if archive.exists() else "no such file",
            where=str(archive),
            hint="give a file that `dissectbench pack` made",
        )
    try:
        unpack(archive, "tar", folder, limits=LIMITS)
    except BadArchiveError as error:
        raise UserError(error.what, where=str(archive), hint=_ANEW) from error
    except UserError as error:
        raise UserError(error.what, where=error.where, hint=_ROOM) from error
    for table in [path for path in folder.rglob(f"*{_PLAIN}") if path.is_file()]:
        packed = table.with_name(table.name.removesuffix(_PLAIN) + _PACKED)
        if packed.exists():
            raise UserError(
                f"the archive holds both {table.name} and {packed.name}, which are one file of a "
                "record",
                where=str(archive),
                hint=_ANEW,
            )
        packed.write_bytes(gzip_bytes(table.read_bytes()))
        table.unlink()


@contextmanager
def record_folders(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Give the folders that some paths stand for: a file is an archive, unpacked for the while.

    Yields:
        A folder for each path, in their order; a path that is no file is passed on as it is.

    Raises:
        UserError: As for `unpack_records`.
    """
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as scratch:
        folders = []
        for number, path in enumerate(paths):
            folder = path
            if path.is_file():
                folder = Path(scratch, str(number))
                folder.mkdir()
                unpack_records(path, folder)
            folders.append(folder)
        yield folders


def results_folder(results: str) -> Path:
    """The folder that records are kept in, which need not be there yet.

    Raises:
        UserError: It is a file, such as an archive.
    """
    folder = Path(results).expanduser()
    if folder.is_file():
        hint = "give a folder"
        if is_archive(folder):
            hint = f"`dissectbench unpack {folder} --out DIR`, then give DIR"
        raise UserError(
            f"{folder} is a file: records are kept in a folder", where="results", hint=hint
        )
    return folder


def is_archive(path: Path) -> bool:
    """Whether a path is that of a file compressed with xz."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_XZ)) == _XZ


def _member_name(inside: Path, path: Path) -> str:
    """What a file is called in the archive."""
    if path.is_symlink() or not path.is_file():
        raise _refused(path, "a link or a device cannot stand in an archive of records")
    if path.name.endswith(_PLAIN):
        raise _refused(path, "a table of a record is compressed: *.csv.gz")
    try:
        parts = [slug(part, "file or folder") for part in inside.parts]
    except RecordError as error:
        raise _refused(path, str(error)) from error
    name = "/".join(parts)
    return name.removesuffix(_PACKED) + _PLAIN if name.endswith(_PACKED) else name


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.name.endswith(_PACKED) else data
    except (OSError, EOFError, zlib.error) as error:
        raise _refused(path, f"cannot be read: {error}") from error


def _refused(path: Path, why: str) -> UserError:
    return UserError(why, where=str(path), hint="mend this file, or take it out of the records")


def _too_much(root: Path, limit: str) -> UserError:
    return UserError(
        f"the records hold more than {limit}, which no archive may",
        where=str(root),
        hint="make an archive of each board",
    )
