"""Run one job: gather once, describe each layer, write and score its records."""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from bench.environment import hardware
from bench.errors import LayerError
from bench.evidence import Store
from bench.evidence.prune import keep_within
from bench.networks.precision import set_precision
from bench.offline import offline
from bench.run.device import resolve_device
from bench.run.identity import params_of, target_notes
from bench.run.labels import describe_table, keep_scores
from bench.run.log import job_log
from bench.run.plan import Cell, PlannedJob, State, plan_job
from bench.run.record import failed_record, measured_record
from bench.run.retime import time_again
from bench.run.scoring import score_record
from bench.run.shared import gather_one_share, gather_shared, warm_up
from bench.run.signal import read_signal
from bench.timing import Timer
from leaderboards.record import Record
from leaderboards.storage import append_timing, write_record
from leaderboards.unique_names import title

if TYPE_CHECKING:
    import io
    from collections.abc import Mapping, Sequence

    from bench.config.compose import Job
    from bench.run.selection import Parts

log = logging.getLogger("bench.run")


def execute(job: Job, *, position: tuple[int, int] = (1, 1)) -> None:
    """Do what is left of a job. Never raises for a failed cell: the outcome is on disk.

    Args:
        job: What to run.
        position: Which of how many jobs this is, for the log.
    """
    with offline(job.config.runtime.offline), job_log() as text:
        planned = plan_job(job)
        log.debug("%s", _title(planned.parts))
        left = planned.left()
        states = {cell: cell.state for cell in left}
        to_run = [c for c in left if states[c] in (State.TO_RUN, State.FAILED)]
        unread: list[Cell] = []
        start = time.perf_counter()
        try:
            if to_run:
                _run_layers(planned, to_run, text, unread)
            for cell in left:
                if states[cell] is State.TO_SCORE:
                    score_record(cell.folder, Record.read(cell.folder), planned.parts)
                elif states[cell] is State.DONE:
                    time_again(planned, cell)
        except (Exception, SystemExit) as error:  # a launcher's pool must survive every job
            log.error("%s: %s", type(error).__name__, error)  # noqa: TRY400  (traceback: in the record)
            for cell in to_run:
                done = cell.state in (State.DONE, State.TO_SCORE)
                if not done and cell not in unread:
                    _write_failed(planned, cell, error, text)
        log.info(
            "[%d/%d] %s (%.1f s)", *position, _title(planned.parts), time.perf_counter() - start
        )


def _run_layers(
    planned: PlannedJob, cells: list[Cell], text: io.StringIO, unread: list[Cell]
) -> None:
    """Run the cells; one whose layer cannot be read fails alone, and joins `unread`."""

    def fail(error: LayerError) -> None:
        log.error("%s: %s", type(error).__name__, error)
        for cell in cells:
            if cell.layer == error.layer:
                unread.append(cell)
                _write_failed(planned, cell, error, text)

    for layout in planned.parts.layouts.values():
        if isinstance(layout, LayerError):
            fail(layout)
    while left := [
        cell
        for cell in cells
        if cell not in unread and cell.state not in (State.DONE, State.TO_SCORE)
    ]:
        try:
            _run(planned, left, text)
        except LayerError as error:
            if error.layer not in {cell.layer for cell in left}:
                raise
            fail(error)
        else:
            return


def _run(planned: PlannedJob, cells: list[Cell], text: io.StringIO) -> None:
    parts, config = planned.parts, planned.job.config
    device = resolve_device(config)
    store = Store(config.runtime.cache)
    timer = Timer(device)
    looked_at = gather_one_share(planned, [cell.layer for cell in cells], store, timer)
    if looked_at is not None:
        log.info("share %s: %d images gathered, nothing labelled", config.runtime.share, looked_at)
        return
    warm_up(parts, timer)
    shared = gather_shared(planned, [cell.layer for cell in cells], store, timer)
    keep_within(store, config.runtime.cache_limit_gb)
    for note in target_notes(parts.target):
        log.info("%s", note)
    for cell in cells:
        own = Timer(device)
        evidence = shared.evidence(cell.layer)
        signal = read_signal(cell.layer, evidence.activations)
        signal.require_finite()
        # Whatever torch's defaults are: similarities and captioners run in full float32.
        with own.phase("match", items=shared.units(cell.layer)), set_precision(device):
            labelling = parts.method.describe(evidence, seed=config.seed)
        labelling = dataclasses.replace(labelling, notes=(*shared.notes, *labelling.notes))
        if parts.closed:  # mask labels without their suffixes
            labelling = dataclasses.replace(labelling, concepts=parts.words)
        _log_phases([*timer.records(), *own.records()], labelling.notes)
        for note in (*shared.gathered.layouts[cell.layer].notes(cell.layer), *signal.notes()):
            log.warning("%s", note)
        keep_scores(store, cell.key, labelling)
        record = measured_record(planned, cell, shared.gathered, labelling, signal, device)
        folder = write_record(
            Path(config.results).expanduser(),
            record,
            descriptions=describe_table(labelling),
            texts={"run.log": text.getvalue(), "config.yaml": _config(planned)},
            tables=labelling.tables,
        )
        score_record(folder, record, parts, timer=own)
        append_timing(
            folder,
            {
                "hardware": hardware(device),
                "device": device,
                "repeats": 1,
                "units": shared.units(cell.layer),
                "phases": [*timer.records(), *own.records()],
                "evidence_cost": list(shared.costs),
            },
        )
    keep_within(store, config.runtime.cache_limit_gb)  # the kept scores count too


def _log_phases(phases: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> None:
    for phase in phases:
        cached = ", from the cache" if phase["cached"] else ""
        log.debug("%s: %.3f s, %s items%s", phase["name"], phase["wall_s"], phase["items"], cached)
    for note in notes:
        log.debug("note: %s", note)


def _write_failed(planned: PlannedJob, cell: Cell, error: BaseException, text: io.StringIO) -> None:
    record = failed_record(planned, cell, error)
    texts = {"run.log": text.getvalue(), "config.yaml": _config(planned)}
    write_record(Path(planned.job.config.results).expanduser(), record, texts=texts)


def _config(planned: PlannedJob) -> str:
    return OmegaConf.to_yaml(planned.job.config, resolve=True)


def _words_title(parts: Parts) -> str:
    concepts = parts.describe_concepts()
    if not concepts["n"]:
        return str(concepts["name"])
    return f"{title(concepts['name'], concepts['params'])} ({concepts['n']:,})"


def _title(parts: Parts) -> str:
    def short(role: str, part: object) -> str:
        return title(parts.names[role], params_of(part))

    chosen = (
        short("method", parts.method),
        f"{short('target', parts.target)} {','.join(parts.layers)}",
        _words_title(parts),
        f"{short('probe', parts.probe)} ({len(parts.probe):,})",
    )
    return " | ".join(chosen)
