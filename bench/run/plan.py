"""Plan a job: its cells, one for each layer, and how far each has come on disk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from bench.errors import UserError, explain_refusal
from bench.run.archive import results_folder
from bench.run.calibration import check_calibration
from bench.run.given_arrays import check_given_arrays
from bench.run.judges import SelectionJudges
from bench.run.mask_crops import check_mask_crops
from bench.run.provenance import cell_key
from bench.run.selection import Selection, build_selection
from bench.run.world import check_world
from leaderboards.development import tuned_on
from leaderboards.record import IncompleteError, Record, RecordError
from leaderboards.stability import has_stability
from leaderboards.storage import has_descriptions, has_scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.config.compose import Job
    from leaderboards.record import Fault


_HINTS: Mapping[Fault, str] = {
    "newer": "a later version wrote it: `pip install --upgrade dissectbench`, or choose another "
    "folder of results",
    "unreadable": "make it a file that you may read, move it to another place, or choose another "
    "folder of results",
    "damaged": "move it to another place, then run its request again",
}


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
        tuned_on: What the request says that the settings were tuned on.
    """

    layer: str
    key: str
    skey: str
    folder: Path
    tuned_on: str = ""

    def read_state(self) -> State:
        """Read from the content of its files how far the cell has come.

        Treat an empty or truncated file as missing.

        Raises:
            UserError: A file must not be replaced: it is of a later version, unreadable, or does
                not belong to a record; or the record does not say what its settings were tuned on.
        """
        try:
            return self._read_state()
        except IncompleteError:
            return State.TO_RUN
        except RecordError as error:
            raise explain_fault(error) from error

    def _read_state(self) -> State:
        record = Record.read(self.folder)
        if record.status == "failed":
            return State.FAILED
        check_tuning(record, self.tuned_on, self.folder)
        if not has_descriptions(self.folder):
            return State.TO_RUN
        return State.DONE if has_scores(self.folder, self.skey) else State.TO_SCORE


def check_tuning(record: Record, claimed: str, folder: Path) -> None:
    """Check that a finished record says what its settings were tuned on, where a request says so.

    Raises:
        UserError: It does not.
    """
    if claimed not in ("", tuned_on(record)):
        raise UserError(
            f"the record {folder} exists and does not say tuned_on={claimed}",
            where="tuned_on",
            hint="write the row to another board: board=NAME; cached evidence is used again",
        )


def explain_fault(error: RecordError) -> UserError:
    """Return what is wrong with a file of a record, and what to do about it."""
    hint = _HINTS[error.fault]
    if isinstance(error, IncompleteError):
        hint = "run its request again: `dissectbench run`"
    return UserError(str(error), hint=hint)


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
        return {
            cell: state
            for cell, state in states.items()
            if state not in skip or (state is State.DONE and self.lacks_stability(cell))
        }

    def lacks_stability(self, cell: Cell) -> bool:
        """Return whether the stability of a cell's labels is asked for, and not measured yet.

        Raises:
            UserError: The file that holds it is unreadable, or of a later version.
        """
        config = self.job.config
        resamples, seed = config.runtime.bootstraps, config.scoring.seed
        if not resamples or config.runtime.share:
            return False
        try:
            return not has_stability(cell.folder, resamples, seed)
        except RecordError as error:
            raise explain_fault(error) from error


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
    check_given_arrays(selection)
    check_calibration(selection)
    _check_sizes(selection)
    judges = SelectionJudges.of(selection)
    root = results_folder(job.config.results) / job.config.board / job.config.method.name
    tuned = job.config.tuned_on
    cells = []
    for layer in selection.layers:
        key = cell_key(selection, layer)
        cells.append(Cell(layer, key, judges.scores_key(layer, root / key), root / key, tuned))
    return JobPlan(job, selection, tuple(cells))


def _check_sizes(selection: Selection) -> None:
    """Let the method refuse a number of labels or images before evidence is gathered.

    Raises:
        UserError: There are more labels than it can search, or too few images.
    """
    check_labels = getattr(selection.method, "check_labels", None)
    check_images = getattr(selection.method, "check_images", None)
    where = "method.params"
    try:
        if check_labels is not None:
            check_labels(len(selection.words))
        where = "probe"
        if check_images is not None:
            check_images(len(selection.probe))
    except ValueError as error:
        raise explain_refusal(error, where) from error
