"""Kill a sweep at random moments, run it again, and compare."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

from tests.chaos.requests import SWEEP, run, start
from tests.chaos.state import Loss, compare

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.state import State


def kill_at_random(folder: Path, expected: State, seconds: float, kills: int) -> Loss:
    """Kill sweeps at moments spread over their duration, three kills to a folder.

    Args:
        folder: Scratch.
        expected: The state of a sweep that was left alone.
        seconds: How long that sweep took.
        kills: Number of kills.
    """
    moments = random.Random(0)
    total = Loss()
    results = folder / "kills"
    for number in range(kills):
        process = start(SWEEP, results)
        try:
            # The first second starts the interpreter.
            process.wait(1 + moments.random() * (seconds - 1))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if number % 3 == 2 or number == kills - 1:
            run(SWEEP, results)
            total += compare(results, expected)
            shutil.rmtree(results)
    return total


def sweep_together(folder: Path, expected: State, processes: int) -> tuple[Loss, int]:
    """Start the same sweep several times at once.

    Returns:
        What was lost, and the number of cells that were computed more than once.
    """
    results = folder / "together"
    started = [start(SWEEP, results) for _ in range(processes)]
    for process in started:
        process.wait()
    computed = {
        path.parent: len(path.read_bytes().splitlines()) for path in results.rglob("timings.jsonl")
    }
    return compare(results, expected), sum(count > 1 for count in computed.values())
