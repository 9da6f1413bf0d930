"""Plan a job: its cells, one for each layer, and how far each has come on disk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from bench.run.archive import results_folder
from bench.run.judges import SelectionJudges
from bench.run.mask_crops import check_mask_crops
from bench.run.provenance import cell_key
from bench.run.selection import Selection, build_selection
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
        layer: The layer's name.
        key: Hash of all that decides the labels.
        skey: Key of its scores under the job's judges.
        folder: Where its record is, or will be.
    """

    layer: str
    key: str
    skey: str
    folder: Path

    def read_state(self) -> State:
        """Read from the disk how far the cell has come."""
        try:
            record = Record.read(self.folder)
        except RecordError:
            return State.TO_RUN
        if record.status == "failed":
            return State.FAILED
        done = (self.folder / "scores" / f"{self.skey}.json").is_file()
        return State.DONE if done else State.TO_SCORE


@dataclass(frozen=True)
class JobPlan:
    """A job with its parts and cells."""

    job: Job
    selection: Selection
    cells: tuple[Cell, ...]

    @cached_property
    def judges(self) -> SelectionJudges:
        """What the labels are scored by."""
        return SelectionJudges.of(self.selection)

    def pending(self) -> dict[Cell, State]:
        """Read the states of all cells; return those of the cells that a run would work on."""
        runtime = self.job.config.runtime
        skip = set()
        if not runtime.retry_failed:
            skip.add(State.FAILED)
        if not runtime.retime:
            skip.add(State.DONE)
        states = {cell: cell.read_state() for cell in self.cells}
        return {cell: state for cell, state in states.items() if state not in skip}


def plan_job(job: Job, selection: Selection | None = None) -> JobPlan:
    """Plan a job.

    Args:
        job: The job.
        selection: Its parts; built here where none are given.

    Raises:
        UserError: A part cannot be built as configured, parts do not go together, or `results` is a
            file.
    """
    selection = selection or build_selection(job.config)
    check_world(selection, job.named)
    check_mask_crops(selection)
    judges = SelectionJudges.of(selection)
    root = results_folder(job.config.results) / job.config.board / job.config.method.name
    cells = []
    for layer in selection.layers:
        key = cell_key(selection, layer)
        cells.append(Cell(layer, key, judges.scores_key(layer, root / key), root / key))
    return JobPlan(job, selection, tuple(cells))
