"""Validation of image files by decoding each once; results are remembered."""

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

    from bench.files import FileState

_READABLE = "yes"
_VERSION = 3
"""Incremented when the result changes: 2 refuses levels of unknown range, 3 integers 0 and 1."""

_HIGH_DEPTH = (".tif", ".tiff")
_BLOCK = 1024
"""Files per batch of the threads."""

_OF_THE_FILE = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR}
"""System errors that concern one file; others (a failing disk) say nothing about the file."""


@dataclass(frozen=True)
class _Result:
    """Result of decoding a file.

    Attributes:
        reason: Why it is unreadable, or `_READABLE`.
        permanent: Whether its content is the reason, so that the result can be remembered.
    """

    reason: str
    permanent: bool = True


def are_readable(files: Sequence[Path]) -> list[bool]:
    """Return for each file whether it is an image that can be decoded to its end.

    The first call decodes every file, in several threads, with a progress bar. Results are
    remembered by the file's path, size and time stamps, and the version of the decoder.

    Raises:
        UserError: The system cannot read a file, for a reason that does not concern this file.
    """
    version = f":{DECODER_VERSION}.{_VERSION}:{PIL.__version__}"
    found = [True] * len(files)
    with FileMemory("readable", "said", version) as memory:
        unknown: list[tuple[int, FileState]] = []
        for at, file in enumerate(files):
            try:
                state = memory.look_up(file)
            except OSError as error:
                _raise_system_error(file, error)
                found[at] = False
                continue
            if state.value:
                found[at] = state.value == _READABLE
            else:
                unknown.append((at, state))
        for (at, state), result in zip(unknown, _decode_all([s for _, s in unknown]), strict=True):
            found[at] = result.reason == _READABLE
            if result.permanent:
                memory.remember(state, result.reason)
    return found


def require_known_range(files: Sequence[Path]) -> None:
    """Refuse images with levels of unknown range, before evidence on them is looked up.

    An older release read them as black or white images, and the cache may contain such evidence.

    Raises:
        UserError: One of the TIFF files cannot be read.
    """
    tiffs = [file for file in files if file.suffix.lower() in _HIGH_DEPTH]
    for file, good in zip(tiffs, are_readable(tiffs), strict=True):
        if not good:
            open_rgb(file)


def _decode_all(files: Sequence[FileState]) -> Iterator[_Result]:
    if not files:
        return
    workers = min(8, os.cpu_count() or 1)
    bar = tqdm(total=len(files), unit="image", desc="reading images", disable=None)
    with bar, ThreadPoolExecutor(workers, thread_name_prefix="readable") as pool:
        for start in range(0, len(files), _BLOCK):
            for result in pool.map(_decode, files[start : start + _BLOCK]):
                bar.update()
                yield result


def _decode(file: FileState) -> _Result:
    try:
        open_rgb(file.path)
    except UserError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno is not None:
            _raise_system_error(file.path, cause)
            return _Result(error.what, permanent=False)
        return _Result(error.what)
    return _Result(_READABLE)


def _raise_system_error(file: Path, error: OSError) -> None:
    if error.errno not in _OF_THE_FILE:
        raise UserError(
            f"cannot read this file: {error.strerror or error}",
            where=str(file),
            hint="check the disk and the system's limits, and run again",
        ) from error
