"""`dissectbench status`: watch a running sweep from another terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.cli.units import show_size, show_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from bench.run.sweeps import JobProgress, SweepProgress

EPILOG = """\
examples:
  dissectbench status results              watch until all cells are done
  dissectbench status results --once       print once
  dissectbench status results --cells      each job, with its forecast beside what was measured

Shows the latest sweep that wrote to the folder of results, until all cells are done or no process
works on them any more. Exit codes: 0 all cells are done, 1 some are not.
"""

_EVERY_S = 2.0
"""Seconds between two readings of the folder."""

_SHOWN = 8
"""Most processes and failed jobs that are listed without --cells."""


def main(arguments: Sequence[str]) -> int:
    """Print the progress of a sweep, until it is finished or once."""
    options = parser("status", "Watch a running sweep from another terminal.", EPILOG)
    options.add_argument("results", type=Path, help="the folder of results")
    options.add_argument("--once", action="store_true", help="print once, and stop")
    options.add_argument("--cells", action="store_true", help="list every job")
    given = options.parse_args(arguments)

    from rich.live import Live

    from bench.cli.console import Console

    console = Console()
    looks = _watch(given.results.expanduser(), once=given.once)
    if console.is_terminal and not given.once:
        with Live(console=console) as live:
            for progress in looks:
                live.update(_show(progress, cells=given.cells))
    else:
        *_, progress = looks
        console.print(_show(progress, cells=given.cells))
    sys.stdout.flush()
    counts = progress.counts()
    return 0 if counts["done"] == sum(counts.values()) else 1


def _watch(root: Path, *, once: bool) -> Iterator[SweepProgress]:
    """Read the progress of a sweep once, or until it is finished or seen stopped twice in a row.

    Twice, since another sweep with the same cells holds no claim between two jobs.
    """
    from bench.run.sweeps import read_progress

    was_stopped = False
    while True:
        progress = read_progress(root)
        yield progress
        if once or _finished(progress) or (was_stopped and progress.is_stopped):
            return
        was_stopped = progress.is_stopped
        time.sleep(_EVERY_S)


def _finished(progress: SweepProgress) -> bool:
    return all(job.finished for job in progress.jobs)


def _show(progress: SweepProgress, *, cells: bool) -> RenderableType:
    """Return what to print."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    counts = progress.counts()
    states = ", ".join(
        f"{counts[state]} {state}"
        for state in ("done", "running", "waiting", "failed", "impossible")
        if counts[state]
    )
    total = sum(counts.values())
    lines = [f"{total} cell{'' if total == 1 else 's'}: {states}", _describe_time(progress)]
    for job in [job for job in progress.jobs if job.workers][:_SHOWN]:
        lines += [f"  running: {job.title} ({worker})" for worker in job.workers]
    failed = [job for job in progress.jobs if "failed" in job.states.values()]
    lines += [f"  failed: {job.title}" for job in failed[:_SHOWN]]
    reasons = [reason for job in progress.jobs for reason in job.reasons]
    lines += [f"  impossible: {reason}" for reason in reasons[:_SHOWN]]
    parts: list[RenderableType] = [Text("\n".join(lines))]
    rows = progress.jobs if cells else ()
    if cells or _finished(progress):
        parts.append(_show_phases(progress))
    if rows:
        table = Table(box=None, pad_edge=False)
        for title in ("job", "cells", "forecast", "measured", "memory", "measured", "disk at most"):
            table.add_column(title, overflow="fold")
        for job in rows:
            table.add_row(*_job_row(job))
        parts.append(table)
    return Group(*parts)


def _describe_time(progress: SweepProgress) -> str:
    elapsed = show_span(progress.elapsed)
    if _finished(progress):
        return f"took {elapsed}"
    if progress.is_stopped:
        return (
            f"stopped: {progress.starter} has ended, and no process works on the cells that are "
            "left\nhint: run the same request again, unless its jobs wait in a cluster's queue; "
            "finished cells are kept"
        )
    left = "unknown" if progress.remaining is None else f"about {show_span(progress.remaining)}"
    return f"elapsed {elapsed}, remaining {left}; started by {progress.starter}"


def _job_row(job: JobProgress) -> list[str]:
    counts = {state: list(job.states.values()).count(state) for state in job.states.values()}
    states = ", ".join(
        f"{count} {state}" if len(job.states) > 1 else state for state, count in counts.items()
    )
    spent = sum(job.measured.values())
    wanted = sum(each.value for each in job.forecast.values())
    return [
        job.title,
        states,
        show_span(wanted) if job.known and job.forecast else "-",
        show_span(spent) if job.measured else "-",
        *(show_size(size) if size else "-" for size in (*job.memory, job.disk)),
    ]


def _show_phases(progress: SweepProgress) -> RenderableType:
    """Return a table of forecast and measured time by phase, of jobs that have both."""
    from rich.table import Table
    from rich.text import Text

    from leaderboards.timings import PHASES

    jobs = [job for job in progress.jobs if job.measured and job.known and job.forecast]
    if not jobs:
        return Text("")
    table = Table(box=None, pad_edge=False)
    table.add_column("phase")
    for title in ("forecast", "range", "measured"):
        table.add_column(title, justify="right")
    for phase in PHASES:
        estimates = [job.forecast[phase] for job in jobs if phase in job.forecast]
        spent = sum(job.measured.get(phase, 0.0) for job in jobs)
        if estimates or spent:
            value, low, high = (
                sum(getattr(each, name) for each in estimates) for name in ("value", "low", "high")
            )
            span = f"{show_span(low)} - {show_span(high)}"
            table.add_row(phase, show_span(value), span, show_span(spent))
    return table
