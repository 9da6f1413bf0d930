"""Single files of a published archive, packed or unpacked."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DAMAGE = (tarfile.TarError, zlib.error, EOFError, OSError)


def read_members(source: Path, names: Sequence[str], max_size: int) -> dict[str, bytes]:
    """Read files from a folder or from an archive, without unpacking it.

    Args:
        source: A folder (with the files in it, or in a folder directly below), or a tar archive,
            compressed or not.
        names: Paths of the files, with forward slashes, without the archive's outermost folder.
        max_size: Maximum bytes of a file.

    Returns:
        The content of each, in the order of `names`.

    Raises:
        UserError: One is missing or too large, or the archive is damaged.
    """
    if not source.exists():
        raise UserError(
            "there is no such file or folder",
            where=str(source),
            hint="give an existing path; relative ones start from the working directory",
        )
    try:
        found = (
            _from_folder(source, names, max_size)
            if source.is_dir()
            else _from_tar(source, names, max_size)
        )
    except _DAMAGE as error:
        # Further lines of tarfile's message list the compressions that it tried.
        reason = str(error).split("\n")[0].rstrip(":")
        raise UserError(
            f"cannot read this archive: {reason}",
            where=str(source),
            hint="get it again from its publisher",
        ) from error
    for name in names:
        if name not in found:
            raise UserError(
                f"it does not contain {name}",
                where=str(source),
                hint="give the archive as it was published, or the folder that it unpacks to",
            )
    return {name: found[name] for name in names}


def _from_folder(folder: Path, names: Sequence[str], max_size: int) -> dict[str, bytes]:
    folders = [folder, *sorted(below for below in folder.iterdir() if below.is_dir())]
    found = {}
    for name in names:
        file = next((at / name for at in folders if (at / name).is_file()), None)
        if file is not None:
            _check_size(file.stat().st_size, max_size, str(file))
            found[name] = file.read_bytes()
    return found


def _from_tar(archive: Path, names: Sequence[str], max_size: int) -> dict[str, bytes]:
    tails = {PurePosixPath(name).parts: name for name in names}
    found: dict[str, bytes] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts
            name = tails.get(parts) or tails.get(parts[1:])
            if name is None or name in found or not member.isreg():
                continue
            _check_size(member.size, max_size, f"{archive}:{name}")
            content = tar.extractfile(member)
            if content is not None:
                found[name] = content.read()
            if len(found) == len(tails):
                break
    return found


def _check_size(size: int, max_size: int, where: str) -> None:
    if size > max_size:
        raise UserError(
            f"it has {size:,} bytes, and the published file has fewer than {max_size:,}",
            where=where,
            hint="get it again from its publisher",
        )
