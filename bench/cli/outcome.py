"""Print the outcome of a request: states of cells, failures with their reason, scores."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from bench.errors import escape_controls
from bench.run.candidates import explain_no_match
from bench.run.plan import JobPlan, State
from bench.run.signal import NO_SIGNAL
from leaderboards.record import Record
from leaderboards.timings import read_timings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.run.plan import Cell


def report(plans: Sequence[JobPlan]) -> int:
    """Print the states of all cells and return the exit code: 1 where some cell failed."""
    cells = [cell for plan in plans for cell in plan.cells]
    states = [cell.read_state() for cell in cells]
    counts = Counter(states)
    parts = [f"{counts[state]} {state}" for state in State if counts[state]]
    sys.stdout.write(f"{len(cells)} cell{'' if len(cells) == 1 else 's'}: {', '.join(parts)}\n")
    for cell, state in zip(cells, states, strict=True):
        if state is State.FAILED:
            error = Record.read(cell.folder).error or {}
            message = escape_controls(error.get("message", "no reason recorded"))
            sys.stdout.write(f"  failed: {cell.folder}: {message}\n")
    for reason in no_match_reasons(plans):
        sys.stdout.write(f"  cannot score: {reason}\n")
    for cell, state in zip(cells, states, strict=True):
        if state is State.DONE:
            for note in Record.read(cell.folder).notes:
                if note.startswith(NO_SIGNAL):
                    sys.stdout.write(f"  {cell.folder}: {note}\n")
    if counts[State.FAILED]:
        sys.stdout.write("  runtime.retry_failed=true runs failed cells again\n")
    if any(plan.job.config.runtime.share for plan in plans):
        sys.stdout.write(
            "shares were gathered: the same request without runtime.share labels and scores\n"
        )
        return 1 if counts[State.FAILED] else 0
    return 0 if counts[State.DONE] == len(cells) else 1


def no_match_reasons(plans: Iterable[JobPlan]) -> list[str]:
    """Return why no candidate label of some layers can be right, each reason once."""
    reasons = (explain_no_match(plan.selection, c.layer) for plan in plans for c in plan.cells)
    return list(dict.fromkeys(filter(None, reasons)))


def count_timings(plans: Sequence[JobPlan]) -> dict[Path, int]:
    """Return how often the cells that this request times again were timed, by folder."""
    timed_again = [plan for plan in plans if plan.job.config.runtime.retime]
    return {cell.folder: len(read_timings(cell.folder)[0]) for cell in _done(timed_again)}


def report_untimed(before: Mapping[Path, int]) -> int:
    """Print cells whose timing failed, and return the exit code: 1 where there is one.

    Args:
        before: As `count_timings` gives it, before the run.
    """
    untimed = [folder for folder, count in before.items() if len(read_timings(folder)[0]) <= count]
    for folder in untimed:
        sys.stdout.write(f"  not timed again: {folder}: see the log above for the reason\n")
    return 1 if untimed else 0


def report_unmeasured(plans: Sequence[JobPlan]) -> int:
    """Print done cells whose stability was not measured, and return the exit code: 1 for any."""
    unmeasured = [
        cell.folder
        for plan in plans
        for cell in plan.cells
        if cell.read_state() is State.DONE and plan.lacks_stability(cell)
    ]
    for folder in unmeasured:
        sys.stdout.write(f"  not resampled: {folder}: see the log above for the reason\n")
    return 1 if unmeasured else 0


def show(plans: Sequence[JobPlan]) -> None:
    """Print the scores of a request's own cells, and the command that writes all tables."""
    from bench.cli.console import Console
    from leaderboards.board import load_board
    from leaderboards.pages.console import print_board
    from leaderboards.pages.published import print_comparisons

    folders = [cell.folder for cell in _done(plans)]
    if not folders:
        return
    shown = load_board(folders)
    print_board(shown, Console())
    for experiment, comparisons in shown.comparisons.items():
        print_comparisons(experiment, comparisons, Console())
    board = folders[0].parents[1]
    sys.stdout.write(f"records: {board}; all tables: dissectbench board {board} --out DIR\n")


def _done(plans: Iterable[JobPlan]) -> list[Cell]:
    cells = [cell for plan in plans for cell in plan.cells]
    return [cell for cell in cells if cell.read_state() is State.DONE]
