"""Which image files can be read: every one is decoded once, and the outcome remembered."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import PIL
from tqdm import tqdm

from bench.errors import UserError
from bench.files import FileMemory
from bench.parts.probes.images import DECODER_VERSION, open_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.files import Known

_READABLE = "yes"
_VERSION = 3
"""Raised when other files can be read: 2 refuses levels whose range is unknown, 3 integers 0, 1."""

_MAY_HAVE_LEVELS = (".tif", ".tiff")
_BLOCK = 1024
"""Files that are handed to the threads at a time."""

_OF_THE_FILE = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR}
"""System errors that are a file's own; any other (a failing disk) says nothing about the file."""


@dataclass(frozen=True)
class _Verdict:
    """What decoding a file came to.

    Attributes:
        said: Why it cannot be read, or `_READABLE`.
        lasting: Whether that follows from its content, and so may be remembered.
    """

    said: str
    lasting: bool = True


def readable(files: Sequence[Path]) -> list[bool]:
    """Whether each file is an image that can be read to its end; in their order.

    The first time every file is decoded, by several threads, behind a progress bar. What came of it
    is remembered under the file's path, size and time stamps, and the version of the decoder.

    Raises:
        UserError: The system fails to hand a file over, for a reason that is not the file's own.
    """
    version = f":{DECODER_VERSION}.{_VERSION}:{PIL.__version__}"
    found = [True] * len(files)
    with FileMemory("readable", "said", version) as memory:
        unknown: list[tuple[int, Known]] = []
        for at, file in enumerate(files):
            try:
                known = memory.look(file)
            except OSError as error:
                _refuse_failing_system(file, error)
                found[at] = False
                continue
            if known.said:
                found[at] = known.said == _READABLE
            else:
                unknown.append((at, known))
        for (at, known), verdict in zip(unknown, _decoded([k for _, k in unknown]), strict=True):
            found[at] = verdict.said == _READABLE
            if verdict.lasting:
                memory.keep(known, verdict.said)
    return found


def require_known_levels(files: Sequence[Path]) -> None:
    """Refuse images whose levels have no known range, before evidence on them is looked up.

    An older release made black or white images of them, and the cache may hold what came of it.

    Raises:
        UserError: One of the TIFF files cannot be read.
    """
    tiffs = [file for file in files if file.suffix.lower() in _MAY_HAVE_LEVELS]
    for file, good in zip(tiffs, readable(tiffs), strict=True):
        if not good:
            open_rgb(file)


def _decoded(files: Sequence[Known]) -> Iterator[_Verdict]:
    if not files:
        return
    workers = min(8, os.cpu_count() or 1)
    bar = tqdm(total=len(files), unit="image", desc="reading images", disable=None)
    with bar, ThreadPoolExecutor(workers, thread_name_prefix="readable") as pool:
        for start in range(0, len(files), _BLOCK):
            for verdict in pool.map(_verdict, files[start : start + _BLOCK]):
                bar.update()
                yield verdict


def _verdict(file: Known) -> _Verdict:
    try:
        open_rgb(file.path)
    except UserError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno is not None:
            _refuse_failing_system(file.path, cause)
            return _Verdict(error.what, lasting=False)
        return _Verdict(error.what)
    return _Verdict(_READABLE)


def _refuse_failing_system(file: Path, error: OSError) -> None:
    if error.errno not in _OF_THE_FILE:
        raise UserError(
            f"cannot read this file: {error.strerror or error}",
            where=str(file),
            hint="see to the disk or the system's limits, and run again",
        ) from error
