"""`python -m tests.chaos`: disturb sweeps in every way, and print what was lost."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.faults import count_operations, disturb_each
from tests.chaos.full_disk import can_mount, fill_disk
from tests.chaos.kills import kill_at_random, sweep_together
from tests.chaos.requests import CELL, SWEEP, run
from tests.chaos.state import Loss, read_state

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = "| disturbance | times | lost | damaged | without timing | left over | remark |"


def main() -> int:
    """Run all disturbances; 0 if nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=9, help="random kills of a sweep")
    parser.add_argument("--together", type=int, default=4, help="equal sweeps at once")
    parser.add_argument("--moments", type=int, default=6, help="moments at which the disk is full")
    parser.add_argument("--step", type=int, default=5, help="1: every file operation")
    options = parser.parse_args()
    print(HEADER, "| :-- " + "| --: " * 5 + "| :-- |", sep="\n", flush=True)  # noqa: T201
    total = Loss()
    with tempfile.TemporaryDirectory(prefix="dissectbench-chaos-") as name:
        for title, times, loss, remark in disturb(Path(name), options):
            row = " | ".join(map(str, (title, times, *astuple(loss), remark)))
            print(f"| {row} |", flush=True)  # noqa: T201
            total += loss
    # Temporary files of a killed process are deleted after a day.
    return int(any((total.lost, total.damaged, total.untimed)))


def disturb(
    folder: Path, options: argparse.Namespace
) -> Iterator[tuple[str, int | str, Loss, str]]:
    """Yield each disturbance, how often it was applied, what it cost, and a remark."""
    run(CELL, folder / "cell")
    expected = read_state(folder / "cell")
    operations = count_operations(folder / "counted")
    for kill in (False, True):
        start = time.monotonic()
        loss, times = disturb_each(folder, expected, operations, kill=kill, step=options.step)
        what = "killed before each" if kill else "an error in each"
        yield f"{what} file operation of a cell", times, loss, _took(start)
    start = time.monotonic()
    run(SWEEP, folder / "sweep")
    seconds = time.monotonic() - start
    expected = read_state(folder / "sweep")
    start = time.monotonic()
    loss = kill_at_random(folder, expected, seconds, options.kills)
    yield "killed at random moments", options.kills, loss, _took(start)
    start = time.monotonic()
    loss, twice = sweep_together(folder, expected, options.together)
    remark = f"{twice} of {len(expected.cells)} cells computed more than once; {_took(start)}"
    yield (
        "equal sweeps at once",
        options.together,
        loss + Loss(damaged=twice),
        (remark),
    )
    if not can_mount():
        yield "full disk", "—", Loss(), "not run: mounting a file system needs root"
        return
    start = time.monotonic()
    loss, untrue = fill_disk(folder, expected, seconds, options.moments)
    yield "full disk", options.moments, loss + Loss(damaged=untrue), _took(start)


def _took(start: float) -> str:
    return f"{time.monotonic() - start:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
