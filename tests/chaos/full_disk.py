"""Fill the disk at many moments of a sweep, free space, and run the sweep again."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.chaos.requests import SWEEP, run, start
from tests.chaos.state import Loss, compare, read_state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.state import State


_SIZE = 2**28


def can_mount() -> bool:
    """Return whether this process may mount a file system in memory."""
    return os.geteuid() == 0 and os.path.exists("/bin/mount")  # noqa: PTH110


def fill_disk(folder: Path, expected: State, seconds: float, moments: int) -> tuple[Loss, int]:
    """Fill the disk while a sweep runs, at moments spread over its duration; then free it again.

    Args:
        folder: Scratch.
        expected: The state of a sweep that was left alone.
        seconds: How long that sweep took.
        moments: Number of sweeps.

    Returns:
        What was lost after each sweep was run again, and the number of sweeps that said they had
        succeeded although cells were missing.
    """
    total, untrue = Loss(), 0
    disk = folder / "disk"
    disk.mkdir()
    for number in range(moments):
        _call("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "dissectbench-chaos", str(disk))
        results, filler = disk / "results", disk / "filler"
        try:
            process = start(SWEEP, results)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds * (number + 0.5) / moments)
            _fill(filler)
            succeeded = process.wait() == 0
            done = read_state(results).cells if results.is_dir() else {}
            untrue += succeeded and len(done) < len(expected.cells)
            filler.unlink()
            run(SWEEP, results)
            total += compare(results, expected)
        finally:
            _call("umount", "--lazy", str(disk))
    return total, untrue


def _fill(path: Path) -> None:
    """Write zeros until no space is left."""
    block = bytes(2**20)
    with path.open("wb", buffering=0) as stream, suppress(OSError):
        while stream.write(block):
            pass


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
