"""Archives from elsewhere: nothing leaves the folder, nothing but plain files, and not too much."""

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
_PADDING = 1 << 20  # zeros that writers of tar fill their last record with; 10 kB mostly
_SAYING = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip
_SAID = 1 << 20  # bytes that a header may say of others: long names, times
_LEFT_OUT = "__MACOSX"  # what the archiver of macOS adds for itself
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError,
    OSError,  # gzip's and bz2's; errors of writing are _WriteError here
)  # fmt: skip


AGAIN = "fetch it again; if that does not help, get it elsewhere, or tell its publisher"


@dataclass(frozen=True)
class Limits:
    """What an archive may hold at most; real ones stay far below.

    Attributes:
        files: Number of files and folders.
        total: Bytes after unpacking.
    """

    files: int = 2_000_000
    total: int = 50 * 10**9


class BadArchiveError(UserError):
    """The archive is damaged, or not one that should be unpacked."""


class _WriteError(Exception):
    """A write failed; kept apart from errors of reading the archive."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def unpack(
    archive: Path,
    kind: Literal["zip", "tar"],
    into: Path,
    *,
    root: str = "",
    limits: Limits | None = None,
) -> tuple[int, int]:
    """Unpack an archive into an empty folder.

    Names must stay below the folder; links, devices, encrypted and doubled members are refused;
    sizes are counted as they come, whatever the archive says of them. Permissions and owners are
    not taken over.

    Args:
        archive: The file.
        kind: "zip", or "tar" (plain, gz, bz2 or xz).
        into: An empty folder of our own; not to be used where this raises.
        root: The one folder inside the archive whose content is taken; empty for everything.
        limits: What it may hold at most.

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
    except _WriteError as error:
        kept = "the archive is kept, and the same command unpacks it then"
        raise disk.cannot_write(error.cause, into, kept) from error.cause
    except _DAMAGE as error:
        # tarfile says on further lines which ways of compression it tried.
        said = str(error).partition(":\n")[0]
        raise _bad(archive, f"is damaged: {said}") from error
    except RuntimeError as error:  # zipfile's word for a password
        raise _bad(archive, f"cannot be read: {error}") from error
    return writer.files, writer.total


def _unzip(archive: Path, writer: _Writer) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                raise writer.refusal(member.orig_filename, "is a link or a device")
            # orig_filename: zipfile itself cuts names at a zero byte.
            if member.is_dir():
                writer.folder(member.orig_filename)
            else:
                with opened.open(member) as stream:
                    writer.file(member.orig_filename, stream)


def _untar(archive: Path, writer: _Writer) -> None:
    with tarfile.open(archive, "r:*", tarinfo=_Header) as opened:
        for member in opened:
            if member.isdir():
                writer.folder(member.name)
            elif member.isreg():
                stream = opened.extractfile(member)
                assert stream is not None
                with stream:
                    writer.file(member.name, stream)
            else:
                raise writer.refusal(member.name, "is a link or a device")
        assert opened.fileobj is not None
        # To the end, where the checksum of a compressed file stands.
        while rest := opened.fileobj.read(_BLOCK):
            writer.pass_over(len(rest))


class _Header(tarfile.TarInfo):
    """A header that claims no absurd size, for tarfile reads long names and such into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read one header block."""
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.size > _SAID and header.type in _SAYING):
            raise tarfile.TarError(f"{header.name!r} claims a size of {header.size} bytes")
        return header


class _Writer:
    """Writes members below one folder and counts them."""

    def __init__(self, into: Path, root: str, limits: Limits, archive: Path) -> None:
        self.files = self.total = self._members = self._behind = 0
        self._into, self._root, self._limits, self._archive = into, root, limits, archive

    def refusal(self, name: str, why: str) -> BadArchiveError:
        return _bad(self._archive, f"is not unpacked: its member {name!r} {why}")

    def pass_over(self, read: int) -> None:
        """Count what stands behind the last file; it is written nowhere, but takes its time."""
        self._behind += read
        self._require(self._behind - _PADDING)

    def _require(self, total: int) -> None:
        if total > self._limits.total:
            raise _bad(self._archive, f"holds more than {self._limits.total:,} bytes")

    def folder(self, name: str) -> None:
        path = self._place(name)
        if path is not None:
            self._make(path, name)

    def file(self, name: str, stream: IO[bytes]) -> None:
        path = self._place(name)
        if path is None:
            return
        if path == self._into:
            raise self.refusal(name, "is a file where a folder was expected")
        self._make(path.parent, name)
        try:
            target = path.open("xb", buffering=0)
        except FileExistsError as error:
            raise self.refusal(name, "stands twice") from error
        except OSError as error:
            raise _WriteError(error) from error
        with target:
            while block := stream.read(_BLOCK):
                self.total += len(block)
                self._require(self.total)
                try:
                    disk.write_block(target, block)
                except OSError as error:
                    raise _WriteError(error) from error
        self.files += 1

    def _place(self, name: str) -> Path | None:
        """Where a member goes; None for one that is left out."""
        self._members += 1
        if self._members > self._limits.files:
            raise _bad(self._archive, f"holds more than {self._limits.files:,} files and folders")
        if re.search(r"[\x00-\x1f\\]", name) or re.match(r"/|[A-Za-z]:", name):
            raise self.refusal(name, "has a name that leads elsewhere")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise self.refusal(name, "has a name that leads elsewhere")
        if parts[:1] == [_LEFT_OUT]:
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
            raise self.refusal(name, "lies below a file") from error
        except OSError as error:
            raise _WriteError(error) from error


def _bad(archive: Path, what: str) -> BadArchiveError:
    return BadArchiveError(f"the archive {what}", where=archive.name, hint=AGAIN)
