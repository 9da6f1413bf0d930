"""Safe unpacking of archives from elsewhere.

Only plain files are written, below the target folder, up to a limit. `tarfile`'s data filter would
keep links and strip leading slashes instead of refusing them, and neither it nor `zipfile` limits
the unpacked bytes; so members are opened with these libraries and written here.
"""

from __future__ import annotations

import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal, Self

from bench.downloads import disk
from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 20
_PADDING = 1 << 20  # zeros after the last member of a tar; mostly 10 kB
_EXTENDED = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip
_MAX_EXTENDED = 1 << 20  # bytes of an extended header: long names, times
_IGNORED = "__MACOSX"  # folder that macOS adds
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError,
    OSError,  # of gzip and bz2; errors of writing are UserError
)  # fmt: skip

_KEPT = "the archive is kept, and the same command unpacks it"
AGAIN = "fetch it again; if that does not help, get it elsewhere, or ask its publisher"


@dataclass(frozen=True)
class Limits:
    """Limits of an archive; real ones stay far below.

    Attributes:
        files: Files and folders.
        total: Unpacked bytes.
    """

    files: int = 2_000_000
    total: int = 50 * 10**9


class BadArchiveError(UserError):
    """The archive is damaged or dangerous."""


def unpack(
    archive: Path,
    kind: Literal["zip", "tar"],
    into: Path,
    *,
    root: str = "",
    limits: Limits | None = None,
) -> tuple[int, int]:
    """Unpack an archive into an empty folder.

    Refuse names that leave the folder, links, devices, encrypted members and duplicates. Count the
    bytes that are read, not those that the archive claims. Ignore permissions and owners.

    Args:
        archive: The file.
        kind: "zip", or "tar" (plain, gz, bz2 or xz).
        into: An empty folder; its content is incomplete if this raises.
        root: The one folder inside the archive whose content is taken; empty for everything.
        limits: Limits of the content.

    Returns:
        Number of files and their bytes.

    Raises:
        BadArchiveError: It is damaged or dangerous.
        UserError: The disk cannot be written to.
    """
    writer = _Writer(into, root, limits or Limits(), archive)
    try:
        if kind == "zip":
            _unzip(archive, writer)
        else:
            _untar(archive, writer)
    except _DAMAGE as error:
        # Further lines of tarfile's message list the compressions that it tried.
        reason = str(error).partition(":\n")[0]
        raise _bad(archive, f"is damaged: {reason}") from error
    except RuntimeError as error:  # zipfile: a password is needed
        raise _bad(archive, f"cannot be read: {error}") from error
    return writer.files, writer.total


def _unzip(archive: Path, writer: _Writer) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                raise writer.refusal(member.orig_filename, "is a link or a device")
            # zipfile cuts `filename` at a zero byte, but not `orig_filename`.
            if member.is_dir():
                writer.add_folder(member.orig_filename)
            else:
                with opened.open(member) as stream:
                    writer.add_file(member.orig_filename, stream)


def _untar(archive: Path, writer: _Writer) -> None:
    with tarfile.open(archive, "r:*", tarinfo=_Header) as opened:
        for member in opened:
            if member.isdir():
                writer.add_folder(member.name)
            elif member.isreg():
                stream = opened.extractfile(member)
                assert stream is not None
                with stream:
                    writer.add_file(member.name, stream)
            else:
                raise writer.refusal(member.name, "is a link or a device")
        assert opened.fileobj is not None
        # Read to the end, where the checksum of a compressed file is.
        while rest := opened.fileobj.read(_BLOCK):
            writer.skip(len(rest))


class _Header(tarfile.TarInfo):
    """A header of limited size, since tarfile reads extended headers into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read one header block."""
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.size > _MAX_EXTENDED and header.type in _EXTENDED):
            raise tarfile.TarError(f"{header.name!r} claims a size of {header.size} bytes")
        return header


class _Writer:
    """Write members below a folder and count them."""

    def __init__(self, into: Path, root: str, limits: Limits, archive: Path) -> None:
        self.files = self.total = self._members = self._skipped = 0
        self._into, self._root, self._limits, self._archive = into, root, limits, archive

    def refusal(self, name: str, why: str) -> BadArchiveError:
        return _bad(self._archive, f"is not unpacked: its member {name!r} {why}")

    def skip(self, count: int) -> None:
        """Count bytes after the last member, which take time although they are not written."""
        self._skipped += count
        self._require(self._skipped - _PADDING)

    def _require(self, total: int) -> None:
        if total > self._limits.total:
            raise _bad(self._archive, f"contains more than {self._limits.total:,} bytes")

    def add_folder(self, name: str) -> None:
        path = self._place(name)
        if path is not None:
            self._make(path, name)

    def add_file(self, name: str, stream: IO[bytes]) -> None:
        path = self._place(name)
        if path is None:
            return
        if path == self._into:
            raise self.refusal(name, "is a file where a folder was expected")
        self._make(path.parent, name)
        if path.exists():
            raise self.refusal(name, "appears twice")
        with disk.write_errors(self._into, _KEPT):
            target = path.open("xb", buffering=0)
        with target:
            while block := stream.read(_BLOCK):
                self.total += len(block)
                self._require(self.total)
                with disk.write_errors(self._into, _KEPT):
                    disk.write_block(target, block)
        self.files += 1

    def _place(self, name: str) -> Path | None:
        """Return where a member goes; None if it is ignored."""
        self._members += 1
        if (most := self._limits.files) < self._members:
            raise _bad(self._archive, f"contains more than {most:,} files and folders")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if re.search(r"[\x00-\x1f\\]|^/|^[A-Za-z]:", name) or ".." in parts:
            raise self.refusal(name, "has a name that leaves the folder")
        if parts[:1] == [_IGNORED]:
            return None
        if self._root and parts:
            if parts[0] != self._root:
                raise self.refusal(name, f"is outside the expected folder {self._root!r}")
            parts = parts[1:]
        return self._into.joinpath(*parts)

    def _make(self, path: Path, name: str) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise self.refusal(name, "is below a file") from error
        except OSError as error:
            raise disk.write_error(error, self._into, _KEPT) from error


def _bad(archive: Path, what: str) -> BadArchiveError:
    return BadArchiveError(f"the archive {what}", where=archive.name, hint=AGAIN)
