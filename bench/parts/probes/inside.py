"""Single files out of what a publisher hands out: the archive itself, or its unpacked folder."""

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


def read_inside(place: Path, names: Sequence[str], most: int) -> dict[str, bytes]:
    """Read some files of a folder or of an archive; nothing is unpacked.

    Args:
        place: The folder (the files lie in it or in a folder right below), or a tar archive,
            compressed or not.
        names: Paths of the files, with forward slashes, without the archive's outermost folder.
        most: Bytes that one of them may have.

    Returns:
        The content of each, in the order of `names`.

    Raises:
        UserError: One is missing or too large, or the archive is damaged.
    """
    if not place.exists():
        raise UserError(
            "there is no such file or folder",
            where=str(place),
            hint="give an existing path; relative ones start from the working directory",
        )
    try:
        found = (
            _from_folder(place, names, most) if place.is_dir() else _from_tar(place, names, most)
        )
    except _DAMAGE as error:
        said = str(error).split("\n")[0].rstrip(":")  # tarfile names all that it tried
        raise UserError(
            f"cannot read this: {said}", where=str(place), hint="get it again from its publisher"
        ) from error
    for name in names:
        if name not in found:
            raise UserError(
                f"{name} is not in it",
                where=str(place),
                hint="give the archive as it was published, or the folder that it unpacks to",
            )
    return {name: found[name] for name in names}


def _from_folder(folder: Path, names: Sequence[str], most: int) -> dict[str, bytes]:
    places = [folder, *sorted(other for other in folder.iterdir() if other.is_dir())]
    found = {}
    for name in names:
        file = next((place / name for place in places if (place / name).is_file()), None)
        if file is not None:
            _check_size(file.stat().st_size, most, str(file))
            found[name] = file.read_bytes()
    return found


def _from_tar(archive: Path, names: Sequence[str], most: int) -> dict[str, bytes]:
    tails = {PurePosixPath(name).parts: name for name in names}
    found: dict[str, bytes] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts
            name = tails.get(parts) or tails.get(parts[1:])
            if name is None or name in found or not member.isreg():
                continue
            _check_size(member.size, most, f"{archive}:{name}")
            content = tar.extractfile(member)
            if content is not None:
                found[name] = content.read()
            if len(found) == len(tails):
                break
    return found


def _check_size(size: int, most: int, where: str) -> None:
    if size > most:
        raise UserError(
            f"it has {size:,} bytes, and the published one has fewer than {most:,}",
            where=where,
            hint="get it again from its publisher",
        )
