"""Run a sweep on a disk that fills up at many moments, free space, and run it again."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.chaos.requests import SWEEP, run
from tests.chaos.state import Loss, compare

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.state import State


def can_mount() -> bool:
    """Return whether this process may mount a file system in memory."""
    return os.geteuid() == 0 and os.path.exists("/bin/mount")  # noqa: PTH110


def fill_disk(folder: Path, expected: State, used: int, moments: int) -> tuple[Loss, int]:
    """Run the sweep with less space than it needs, then with enough.

    Args:
        folder: Scratch.
        expected: The state of an undisturbed sweep.
        used: Bytes that the undisturbed sweep takes.
        moments: Number of sizes between nothing and what is needed.

    Returns:
        What was lost after the second run, and how many of the first runs ended without an error.
    """
    total, unnoticed = Loss(), 0
    place = folder / "disk"
    place.mkdir()
    for number in range(moments):
        size = max(4096, used * number // moments)
        _mount(place, size)
        try:
            unnoticed += run(SWEEP, place / "results") == 0
            _call("mount", "-o", f"remount,size={4 * used}", str(place))
            run(SWEEP, place / "results")
            total += compare(place / "results", expected)
        finally:
            _call("umount", str(place))
    return total, unnoticed


def _mount(place: Path, size: int) -> None:
    _call("mount", "-t", "tmpfs", "-o", f"size={size}", "dissectbench-chaos", str(place))


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
