"""Verify many records, on all processors."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING

from tqdm import tqdm

from bench.run.build import Parts
from bench.verification.record import verify_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from leaderboards.verify.findings import Findings

ALONE = 16
"""Up to so many records, starting processes would take longer than it saves."""
_CHUNK = 4


def verify_records(
    folders: Sequence[Path], *, embed: bool = False, rerun: bool = False
) -> Iterator[Findings]:
    """Verify records with a progress bar, and yield the findings of each in order.

    Args:
        folders: Folders of records.
        embed: Recompute cosines too.
        rerun: Make the labels anew.
    """
    check: Callable[[Path], Findings] = partial(_verify, embed=embed, rerun=rerun)
    processes = min(os.cpu_count() or 1, len(folders) // ALONE)
    bar = partial(tqdm, total=len(folders), unit="record", desc="verify", disable=None)
    if embed or rerun or processes < 2:  # models use all processors by themselves
        yield from bar(map(check, folders))
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from bar(pool.map(check, folders, chunksize=_CHUNK))


def _verify(folder: Path, *, embed: bool, rerun: bool) -> Findings:
    return verify_record(folder, _parts(), embed=embed, rerun=rerun)


@cache
def _parts() -> Parts:
    """Return the parts of this process, built once."""
    return Parts()
