"""What a running sweep writes for `dissectbench status`, and reading its progress from the disk."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.files import write_atomic
from bench.leftovers import delete_old
from bench.run.claims import describe_process, is_gone, name_process, read_worker
from bench.run.history import Estimate
from bench.run.plan import Cell, State
from leaderboards.timings import PHASES, read_timings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.run.plan import JobPlan
    from bench.run.predict import Prediction

FOLDER = ".sweeps"
"""Folder of the files of sweeps, in a folder of results."""

_KEPT_S = 30 * 86_400
"""Seconds after which a sweep's file is deleted."""

RUNNING, WAITING, IMPOSSIBLE = "running", "waiting", "impossible"
"""States of cells besides those of `State`: claimed by a process; not started; or with a file that
is of a later version, unreadable, or not of a record."""


@dataclass(frozen=True)
class JobProgress:
    """A job of a sweep, and how far its cells have come.

    Attributes:
        title: Method, target and the like.
        states: State of each cell, by layer: "done", "failed", `RUNNING`, `WAITING` or
            `IMPOSSIBLE`.
        workers: Processes that work on its running cells, such as "node7, process 1234".
        reasons: Why cells are impossible.
        forecast: Time of each phase as forecast before the sweep.
        known: Whether the time of all phases was forecast.
        measured: Time of each phase as measured in this sweep; empty before it is done.
        memory: Most memory of the host in bytes, as forecast and as measured; 0 where not known.
        disk: Upper bound of its evidence and records in bytes; 0 where not known.
    """

    title: str
    states: Mapping[str, str]
    workers: tuple[str, ...]
    reasons: tuple[str, ...]
    forecast: Mapping[str, Estimate]
    known: bool
    measured: Mapping[str, float]
    memory: tuple[int, int]
    disk: int

    @property
    def finished(self) -> bool:
        """Whether no cell is left to run."""
        return not {RUNNING, WAITING} & set(self.states.values())


@dataclass(frozen=True)
class SweepProgress:
    """How far a sweep has come.

    Attributes:
        jobs: Its jobs.
        elapsed: Seconds since its start, up to its last cell.
        remaining: Forecast of the seconds until its end; None if unknown.
        starter: The process that started it.
        is_stopped: Whether the process that started it has ended before its last cell, and no other
            process works on a cell now.
    """

    jobs: tuple[JobProgress, ...]
    elapsed: float
    remaining: float | None
    starter: str
    is_stopped: bool

    def counts(self) -> Counter[str]:
        """Return the number of cells by state."""
        return Counter(state for job in self.jobs for state in job.states.values())


def write_sweep(
    plans: Sequence[JobPlan], predictions: Sequence[Prediction], disk: Sequence[int]
) -> None:
    """Write the cells of a sweep and their forecasts, where `read_progress` finds them.

    Do nothing if the folder of results cannot be written to: the first record reports it.

    Args:
        plans: The sweep's jobs.
        predictions: Prediction of each job.
        disk: Upper bound for each job, in bytes; empty for none.
    """
    root = Path(str(plans[0].job.config.results)).expanduser()
    head = {"started": time.time(), "process": describe_process()}
    lines: list[Mapping[str, Any]] = [head]
    for number, (plan, prediction) in enumerate(zip(plans, predictions, strict=True)):
        cells = [
            {
                "layer": cell.layer,
                "skey": cell.skey,
                "folder": os.path.relpath(cell.folder, root),
            }
            for cell in plan.cells
        ]
        phases = {
            name: [one.value, one.low, one.high, one.basis]
            for name, one in prediction.phases.items()
        }
        lines.append(
            {
                "title": _title(plan),
                "cells": cells,
                "phases": phases,
                "known": not prediction.unknown,
                "memory": prediction.memory[0] if prediction.memory else 0,
                "disk": disk[number] if disk else 0,
            }
        )
    folder = root / FOLDER
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            delete_old(old, _KEPT_S)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        write_atomic(folder / f"{time.time():.0f}-{uuid.uuid4().hex[:8]}.jsonl", text)


def read_progress(root: Path) -> SweepProgress:
    """Read how far the latest sweep of a folder of results has come.

    Raises:
        UserError: No sweep was started there.
    """
    files = sorted((root / FOLDER).glob("*.jsonl"), key=lambda file: file.stat().st_mtime)
    if not files:
        boards = sorted(path.name for path in root.glob(f"*/{FOLDER}")) if root.is_dir() else []
        raise UserError(
            "no sweep was started here" if root.is_dir() else "there is no such folder",
            where=str(root),
            hint="give the folder of results of a `dissectbench run`, such as "
            + (", ".join(f"{root}/{name}" for name in boards) or "results")
            + "; a run is shown when its first job starts, but not one that only gathers evidence "
            "(runtime.share)",
        )
    head, *jobs = _read_lines(files[-1])
    started = float(head["started"])
    found = tuple(_read_job(job, root, started) for job in jobs)
    ends = [_end(root / cell["folder"]) for job in jobs for cell in job["cells"]]
    finished = all(job.finished for job in found)
    end = max([started, *ends]) if finished else time.time()
    elapsed = end - started
    done = [job for job in found if job.finished and job.measured]
    left = [job for job in found if not job.finished]
    is_stopped = bool(left) and is_gone(head["process"]) and not any(job.workers for job in left)
    return SweepProgress(
        found, elapsed, _remaining(elapsed, done, left), name_process(head["process"]), is_stopped
    )


def _read_lines(file: Path) -> list[Any]:
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        float(lines[0]["started"]), lines[0]["process"]["pid"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(
            "this list of a sweep's cells cannot be read",
            where=str(file),
            hint="delete it; the next `dissectbench run` writes a new one",
        ) from error
    return lines


def _remaining(
    elapsed: float, done: Sequence[JobProgress], left: Sequence[JobProgress]
) -> float | None:
    """Return the seconds that jobs still take, by their forecasts and the pace of those done."""
    if not left:
        return 0.0
    if all(job.known for job in left):
        wanted = sum(each.value for job in left for each in job.forecast.values())
        spent = sum(each.value for job in done for each in job.forecast.values())
        return wanted * elapsed / spent if spent and done else wanted
    return elapsed * len(left) / len(done) if done else None


def _read_job(job: Mapping[str, Any], root: Path, started: float) -> JobProgress:
    cells = [
        Cell(str(cell["layer"]), "", str(cell["skey"]), root / cell["folder"])
        for cell in job["cells"]
    ]
    states, workers, reasons = {}, [], []
    for cell in cells:
        try:
            state, worker = cell.read_state(), read_worker(cell.folder)
        except UserError as error:
            states[cell.layer] = IMPOSSIBLE
            reasons.append(error.what)
            continue
        if state in (State.DONE, State.FAILED):
            states[cell.layer] = str(state)
        else:
            states[cell.layer] = RUNNING if worker else WAITING
            workers += [worker] if worker else []
    measured, memory = _measured(cells, started)
    return JobProgress(
        title=str(job["title"]),
        states=states,
        workers=tuple(dict.fromkeys(workers)),
        reasons=tuple(reasons),
        forecast={name: Estimate(*values) for name, values in job["phases"].items()},
        known=bool(job["known"]),
        measured=measured,
        memory=(int(job["memory"]), memory),
        disk=int(job["disk"]),
    )


def _measured(cells: Sequence[Cell], started: float) -> tuple[dict[str, float], int]:
    """Return seconds by phase, and the most memory, of the cells that this sweep has timed.

    The phases that the cells of a job share are in the timing of each.
    """
    spent: dict[str, float] = {}
    memory, shared = 0, True
    for cell in cells:
        runs = read_timings(cell.folder)[0] if _end(cell.folder) >= started else []
        if not runs:
            continue
        for phase in runs[-1]["phases"]:
            memory = max(memory, int(phase["peak_host_bytes"] or 0))
            name = str(phase["name"])
            if name in PHASES and (shared or name in ("match", "score")):
                spent[name] = spent.get(name, 0.0) + float(phase["wall_s"])
        shared = False
    return spent, memory


def _end(folder: Path) -> float:
    """Return when a cell's record was written; 0 without one."""
    try:
        return (folder / "record.json").stat().st_mtime
    except OSError:
        return 0.0


def _title(plan: JobPlan) -> str:
    """Return a job's choices, and the values that it changes."""
    choices = [plan.job.choices.get(role, "") for role in ("method", "target", "probe", "concepts")]
    values = [
        text.partition("=")[2]
        for text in plan.job.overrides
        if "." in text.partition("=")[0] and not text.startswith(("hydra", "runtime"))
    ]
    return " | ".join(filter(None, [*choices, " ".join(values)]))
