"""Run one planned job: gather evidence once, describe each layer, write and score its records."""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from baselines.errors import MethodError
from bench.errors import LayerError, UnwritableError, explain_refusal
from bench.evidence import Store
from bench.evidence.prune import keep_within
from bench.networks.precision import set_precision
from bench.offline import offline
from bench.run.claims import Claims, wait_for_release
from bench.run.device import resolve_device
from bench.run.identity import params_of, target_notes
from bench.run.labels import describe_table, store_scores
from bench.run.log import job_log
from bench.run.plan import State
from bench.run.provenance import describe_concepts
from bench.run.record import failed_record, measured_record
from bench.run.results import write_record
from bench.run.retime import time_again
from bench.run.scoring import score_record
from bench.run.shared import gather_one_share, gather_shared, warm_up
from bench.run.signal import read_signal
from bench.run.stability import measure_stability
from bench.run.timed_run import describe_timing
from bench.timing import Timer
from leaderboards.record import Record
from leaderboards.unique_names import title

if TYPE_CHECKING:
    import io
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from bench.run.plan import Cell, JobPlan
    from bench.run.selection import Selection
    from bench.run.shared import SharedEvidence

log = logging.getLogger("bench.run")


def execute_jobs(plans: Sequence[JobPlan]) -> None:
    """Run the pending cells of jobs in this process; failures are recorded on disk, not raised.

    Skip cells that other processes work on, wait for them at the end, and run those that are not
    finished then.
    """
    places = [(number, len(plans)) for number in range(1, len(plans) + 1)]
    pairs = zip(plans, places, strict=True)
    _finish([(plan, place, _execute(plan, place)) for plan, place in pairs])


def execute(plan: JobPlan, *, position: tuple[int, int] = (1, 1)) -> None:
    """Run one job as `execute_jobs` does.

    Args:
        plan: The job.
        position: Number of this job and count of all, for the log.
    """
    _finish([(plan, position, _execute(plan, position))])


def _finish(jobs: Iterable[tuple[JobPlan, tuple[int, int], list[Cell]]]) -> None:
    """Wait for cells of other processes, and run those that these do not finish.

    Args:
        jobs: Jobs, their positions, and their cells that other processes work on.
    """
    left = [job for job in jobs if job[2]]
    folders = [cell.folder for *_, cells in left for cell in cells]
    if folders:
        with job_log():
            log.info("waiting for other processes: %d cells, first %s", len(folders), folders[0])
    while left:
        wait_for_release(cell.folder for *_, cells in left for cell in cells)
        rest = [(plan, place, _execute(plan, place, only=cells)) for plan, place, cells in left]
        left = [job for job in rest if job[2]]


def _execute(
    plan: JobPlan, position: tuple[int, int], *, only: Collection[Cell] | None = None
) -> list[Cell]:
    """Run the pending cells of a job that no other process works on.

    Args:
        plan: The job.
        position: Number of this job and count of all, for the log.
        only: Cells that another process worked on; of these, run the unfinished ones. None for all.

    Returns:
        The cells that other processes work on.
    """
    with offline(plan.job.config.runtime.offline), job_log() as text, Claims() as claims:
        start = time.perf_counter()
        job_title = _title(plan.selection)
        log.debug("%s", job_title)
        held = [] if plan.job.config.runtime.share else _claim(plan, claims, only)
        pending = {cell: state for cell, state in _pending(plan, only) if cell not in held}
        if not pending:
            if only is None:
                log.info("[%d/%d] %s: left to another process", *position, job_title)
            return held
        run = _JobRun(plan, text)
        to_run = [c for c, state in pending.items() if state in (State.TO_RUN, State.FAILED)]
        try:
            if to_run:
                run.run_layers(to_run)
            for cell, state in pending.items():
                if state is State.TO_SCORE:
                    score_record(cell.folder, Record.read(cell.folder), plan.judges)
                elif state is State.DONE and plan.job.config.runtime.retime:
                    time_again(plan, cell)
            measure_stability(plan, pending)
        except UnwritableError:  # nor can a record of the failure be written
            raise
        except (Exception, SystemExit) as error:  # later jobs must run, and workers must survive
            log.error("%s: %s", type(error).__name__, error)  # noqa: TRY400  (traceback: in the record)
            run.write_failures(to_run, error)
        log.info("[%d/%d] %s (%.1f s)", *position, job_title, time.perf_counter() - start)
    return held


def _pending(plan: JobPlan, only: Collection[Cell] | None) -> list[tuple[Cell, State]]:
    """Return the cells to work on; of those in `only`, not the ones that failed elsewhere."""
    return [
        (cell, state)
        for cell, state in plan.pending().items()
        if only is None or (cell in only and state is not State.FAILED)
    ]


def _claim(plan: JobPlan, claims: Claims, only: Collection[Cell] | None) -> list[Cell]:
    """Claim the cells to run or score; return those that other processes hold."""
    return [
        cell
        for cell, state in _pending(plan, only)
        if state is not State.DONE and not claims.take(cell.folder)
    ]


class _JobRun:
    """One run of a job's layers that have no labels yet.

    Args:
        plan: The job.
        text: The log so far, for the records.
    """

    def __init__(self, plan: JobPlan, text: io.StringIO) -> None:
        self._plan, self._text = plan, text
        self._config = plan.job.config
        self._failed: set[Cell] = set()
        """Cells of which this run has recorded why their layer cannot be read."""

    def run_layers(self, cells: Sequence[Cell]) -> None:
        """Run cells; one whose layer cannot be read fails alone."""
        for layout in self._plan.selection.layouts.values():
            if isinstance(layout, LayerError):
                self._fail_layer(cells, layout)
        while left := self._unfinished(cells):
            try:
                self._run(left)
            except LayerError as error:
                if error.layer not in {cell.layer for cell in left}:
                    raise
                self._fail_layer(cells, error)
            else:
                return

    def write_failures(self, cells: Iterable[Cell], error: BaseException) -> None:
        """Record an error for the cells that are neither done nor recorded as failed."""
        record_texts = self._texts()
        for cell in self._unfinished(cells):
            write_record(self._results, failed_record(self._plan, cell, error), texts=record_texts)

    def _unfinished(self, cells: Iterable[Cell]) -> list[Cell]:
        done = (State.DONE, State.TO_SCORE)
        return [c for c in cells if c not in self._failed and c.read_state() not in done]

    def _fail_layer(self, cells: Iterable[Cell], error: LayerError) -> None:
        log.error("%s: %s", type(error).__name__, error)
        concerned = [cell for cell in cells if cell.layer == error.layer]
        self.write_failures(concerned, error)
        self._failed.update(concerned)

    def _run(self, cells: Sequence[Cell]) -> None:
        selection, config = self._plan.selection, self._config
        layers = [cell.layer for cell in cells]
        store = Store(config.runtime.cache)
        timer = Timer(resolve_device(config))
        images = gather_one_share(self._plan, layers, store, timer)
        if images is not None:
            log.info("share %s: %d images gathered, nothing labelled", config.runtime.share, images)
            return
        warm_up(selection, timer)
        shared = gather_shared(self._plan, layers, store, timer)
        keep_within(store, config.runtime.cache_limit_gb)
        for note in target_notes(selection.target):
            log.info("%s", note)
        for cell in cells:
            self._describe(cell, shared, store, timer)
        keep_within(store, config.runtime.cache_limit_gb)  # the score matrices count too

    def _describe(self, cell: Cell, shared: SharedEvidence, store: Store, timer: Timer) -> None:
        """Describe one layer's units, write the record and score it."""
        selection, config, device = self._plan.selection, self._config, timer.device
        own = Timer(device)
        evidence = shared.evidence(cell.layer)
        signal = read_signal(cell.layer, evidence.activations)
        signal.require_finite()
        # In full float32, whatever torch's defaults are: similarities and captioners.
        with own.phase("match", items=shared.units(cell.layer)), set_precision(device):
            try:
                labelling = selection.method.describe(evidence, seed=config.seed)
            except MethodError as error:
                raise explain_refusal(error, "method") from error
        warnings = labelling.warnings
        notes = (*shared.notes, *labelling.notes, *warnings)
        labelling = dataclasses.replace(labelling, notes=notes)
        if selection.closed:  # mask labels without their suffixes
            labelling = dataclasses.replace(labelling, concepts=selection.words)
        _log_phases([*timer.records(), *own.records()], labelling.notes)
        layout = shared.gathered.layouts[cell.layer]
        for note in (*layout.notes(cell.layer), *signal.notes(), *warnings):
            log.warning("%s", note)
        store_scores(store, cell.key, labelling)
        record = measured_record(self._plan, cell, shared.gathered, labelling, signal, device)
        folder = write_record(
            self._results,
            record,
            descriptions=describe_table(labelling),
            texts=self._texts(),
            tables=labelling.tables,
            timing=describe_timing(
                device,
                units=shared.units(cell.layer),
                phases=[*timer.records(), *own.records()],
                evidence_cost=shared.costs,
            ),
        )
        score_record(folder, record, self._plan.judges)

    @property
    def _results(self) -> Path:
        return Path(self._config.results).expanduser()

    def _texts(self) -> dict[str, str]:
        """Return the texts of a record: its log and configuration."""
        config = OmegaConf.to_yaml(self._config, resolve=True)
        return {"run.log": self._text.getvalue(), "config.yaml": config}


def _log_phases(phases: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> None:
    for phase in phases:
        cached = ", from the cache" if phase["cached"] else ""
        log.debug("%s: %.3f s, %s items%s", phase["name"], phase["wall_s"], phase["items"], cached)
    for note in notes:
        log.debug("note: %s", note)


def _title(selection: Selection) -> str:
    """Return a job in one line: method, target and layers, candidate labels, probe set."""

    def short(role: str) -> str:
        return title(selection.names[role], params_of(getattr(selection, role)))

    concepts = describe_concepts(selection)
    words = str(concepts["name"])
    if concepts["n"]:
        words = f"{title(concepts['name'], concepts['params'])} ({concepts['n']:,})"
    return " | ".join(
        (
            short("method"),
            f"{short('target')} {','.join(selection.layers)}",
            words,
            f"{short('probe')} ({len(selection.probe):,})",
        )
    )
