"""The records of a board in one file, which `dissectbench pack` writes and other commands read.

The file is a tar archive, compressed with xz as a whole. It has tables of records, `*.csv.gz`, as
plain `*.csv`, so that similar tables are compressed together. Names are sorted, and times, owners
and permissions are fixed: the same records give the same bytes with the same release of xz.
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
"""Of archives that are written or read: some 10,000 records of layers of 1,000 units."""

_XZ = b"\xfd7zXZ\0"
_PLAIN, _PACKED = ".csv", ".csv.gz"
_SPACE = "free some space, or choose another disk by --out DIR, or by $TMPDIR without --out"
_REPLACE = "get a complete copy, or write it again: `dissectbench pack RESULTS --out FILE`"


@dataclass(frozen=True)
class ArchiveSummary:
    """The content of an archive.

    Attributes:
        records: Number of records.
        files: Number of files.
        left_out: Files of the folder that belong to no record.
    """

    records: int
    files: int
    left_out: tuple[Path, ...]


def pack_records(root: Path, archive: Path) -> ArchiveSummary:
    """Write the records below a folder into an archive, atomically.

    Hidden files and folders are skipped: they hold unfinished writes.

    Raises:
        UserError: There is no record, a file cannot be read or archived, or the records exceed
            `LIMITS`.
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
    return ArchiveSummary(len(records), len(members), tuple(left_out))


def unpack_records(archive: Path, folder: Path) -> None:
    """Unpack an archive into an empty folder, tables compressed as a run writes them.

    Raises:
        UserError: The file is no archive of records, is damaged or too large, or holds links or
            names that lead out of the folder.
    """
    if not is_archive(archive):
        raise UserError(
            "not an archive of records" if archive.exists() else "no such file",
            where=str(archive),
            hint="give a file that `dissectbench pack` wrote",
        )
    try:
        unpack(archive, "tar", folder, limits=LIMITS)
    except BadArchiveError as error:
        raise UserError(error.what, where=str(archive), hint=_REPLACE) from error
    except UserError as error:
        raise UserError(error.what, where=str(archive), hint=_SPACE) from error
    for table in [path for path in folder.rglob(f"*{_PLAIN}") if path.is_file()]:
        packed = table.with_name(table.name.removesuffix(_PLAIN) + _PACKED)
        if packed.exists():
            raise UserError(
                f"the archive holds both {table.name} and {packed.name}, which are one file of a "
                "record",
                where=str(archive),
                hint=_REPLACE,
            )
        packed.write_bytes(gzip_bytes(table.read_bytes()))
        table.unlink()


@contextmanager
def record_folders(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Unpack archives among some paths into temporary folders inside the block.

    Yields:
        A folder for each path, in order; a path that is not a file is passed on.

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
    """Return the folder of records, which need not exist.

    Raises:
        UserError: The path is a file, such as an archive.
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
    """Return whether a path is a file compressed with xz."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_XZ)) == _XZ


def _member_name(inside: Path, path: Path) -> str:
    """Return the name of a file in the archive."""
    if path.is_symlink() or not path.is_file():
        raise _refused(path, "an archive of records holds no links or devices")
    if path.name.endswith(_PLAIN):
        raise _refused(path, "tables of records must be compressed: *.csv.gz")
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
    return UserError(why, where=str(path), hint="repair or remove this file")


def _too_much(root: Path, limit: str) -> UserError:
    return UserError(
        f"the records hold more than {limit}, the limit of an archive",
        where=str(root),
        hint="write an archive for each board",
    )
