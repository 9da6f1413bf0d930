"""What is done and what is left: jobs to cells (one a layer), each with its state on disk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bench.offline import offline
from bench.run.archive import results_folder
from bench.run.judges import scores_key
from bench.run.mask_views import check_views
from bench.run.selection import Parts, build_parts
from bench.run.world import check_world
from leaderboards.record import Record, RecordError

if TYPE_CHECKING:
    from pathlib import Path

    from bench.config.compose import Job


class State(StrEnum):
    """How far a cell has come."""

    DONE = "done"
    TO_SCORE = "to score"
    TO_RUN = "to run"
    FAILED = "failed"


@dataclass(frozen=True)
class Cell:
    """One layer of one job.

    Attributes:
        folder: Where its record is, or will be.
        skey: Key of its scores under the job's truth and scorers.
    """

    layer: str
    key: str
    skey: str
    folder: Path

    @property
    def state(self) -> State:
        """Read off the disk anew each time."""
        try:
            record = Record.read(self.folder)
        except RecordError:
            return State.TO_RUN
        if record.status == "failed":
            return State.FAILED
        done = (self.folder / "scores" / f"{self.skey}.json").is_file()
        return State.DONE if done else State.TO_SCORE


@dataclass(frozen=True)
class PlannedJob:
    """A job with its parts and cells."""

    job: Job
    parts: Parts
    cells: tuple[Cell, ...]

    def left(self) -> list[Cell]:
        """The cells that a run would work on."""
        runtime = self.job.config.runtime
        skip = set()
        if not runtime.retry_failed:
            skip.add(State.FAILED)
        if not runtime.retime:
            skip.add(State.DONE)
        return [cell for cell in self.cells if cell.state not in skip]


def plan_job(job: Job) -> PlannedJob:
    """Build a job's parts and look its cells up on disk.

    Raises:
        UserError: A part cannot be built as asked, or `results` is a file.
    """
    with offline(job.config.runtime.offline):
        return _planned(job)


def _planned(job: Job) -> PlannedJob:
    parts = build_parts(job.config)
    check_world(parts, job.named)
    check_views(parts)
    config = job.config
    root = results_folder(config.results) / config.board / config.method.name
    cells = []
    for layer in parts.layers:
        key = parts.key(layer)
        cells.append(Cell(layer, key, scores_key(parts, layer, root / key), root / key))
    return PlannedJob(job, parts, tuple(cells))
