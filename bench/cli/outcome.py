"""What came of a request: a line of states, the failures with their reason, the scores."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from bench.run.answers import why_none_right
from bench.run.plan import PlannedJob, State
from bench.run.signal import NO_SIGNAL
from leaderboards.record import Record
from leaderboards.storage import read_timings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


def report(planned: Sequence[PlannedJob]) -> int:
    """Print the states of all cells and return the exit code: 1 where some cell failed."""
    cells = [cell for job in planned for cell in job.cells]
    states = Counter(cell.state for cell in cells)
    parts = [f"{states[state]} {state}" for state in State if states[state]]
    sys.stdout.write(f"{len(cells)} cell{'' if len(cells) == 1 else 's'}: {', '.join(parts)}\n")
    for cell in cells:
        if cell.state is State.FAILED:
            error = Record.read(cell.folder).error or {}
            sys.stdout.write(
                f"  failed: {cell.folder}: {error.get('message', 'no reason recorded')}\n"
            )
    for why in none_right(planned):
        sys.stdout.write(f"  cannot score: {why}\n")
    for cell in cells:
        if cell.state is State.DONE:
            for note in Record.read(cell.folder).notes:
                if note.startswith(NO_SIGNAL):
                    sys.stdout.write(f"  {cell.folder}: {note}\n")
    if states[State.FAILED]:
        sys.stdout.write("  runtime.retry_failed=true runs failed cells again\n")
    if any(job.job.config.runtime.share for job in planned):
        sys.stdout.write("shares were gathered: the same without runtime.share labels and scores\n")
        return 1 if states[State.FAILED] else 0
    return 0 if states[State.DONE] == len(cells) else 1


def none_right(planned: Iterable[PlannedJob]) -> list[str]:
    """Why layers of a request have no candidate label that could be right, each reason once."""
    whys = (why_none_right(job.parts, cell.layer) for job in planned for cell in job.cells)
    return list(dict.fromkeys(why for why in whys if why))


def to_time_again(planned: Sequence[PlannedJob]) -> dict[Path, int]:
    """How often the cells were timed that this request is to time again, by folder."""
    return {
        cell.folder: len(read_timings(cell.folder)[0])
        for job in planned
        if job.job.config.runtime.retime
        for cell in job.cells
        if cell.state is State.DONE
    }


def report_untimed(before: Mapping[Path, int]) -> int:
    """Print the cells that were to be timed again and were not; 1 where there is one."""
    untimed = [folder for folder, count in before.items() if len(read_timings(folder)[0]) <= count]
    for folder in untimed:
        sys.stdout.write(f"  not timed again: {folder}: the reason stands in the log above\n")
    return 1 if untimed else 0


def show(planned: Sequence[PlannedJob]) -> None:
    """Print the scores of a request's own cells, and where to go from there."""
    from rich.console import Console

    from leaderboards.board import load_board
    from leaderboards.pages.console import print_board
    from leaderboards.pages.published import print_comparisons

    folders = [cell.folder for job in planned for cell in job.cells if cell.state is State.DONE]
    if not folders:
        return
    shown = load_board(folders)
    print_board(shown, Console())
    for experiment, lines in shown.comparisons.items():
        print_comparisons(experiment, lines, Console())
    board = folders[0].parents[1]
    sys.stdout.write(f"records: {board}; all tables: dissectbench board {board} --out DIR\n")
