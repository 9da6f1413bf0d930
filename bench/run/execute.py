"""Run one job: gather once, describe each layer, write and score its records."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import OmegaConf

from baselines.base import Evidence
from bench.environment import hardware
from bench.evidence import Store, gather, text_embeddings
from bench.run.device import resolve_device
from bench.run.labels import describe_table, keep_scores
from bench.run.log import job_log
from bench.run.parts import params_of
from bench.run.plan import Cell, PlannedJob, State, plan_job
from bench.run.record import failed_record, measured_record
from bench.run.scoring import score_record
from bench.timing import Timer
from leaderboards.distinct import title
from leaderboards.record import Record
from leaderboards.storage import append_timing, write_record

if TYPE_CHECKING:
    import io

    import numpy as np
    from numpy.typing import NDArray

    from bench.config.compose import Job
    from bench.run.parts import Parts

log = logging.getLogger("bench.run")


def execute(job: Job, *, position: tuple[int, int] = (1, 1)) -> None:
    """Do what is left of a job. Never raises for a failed cell: the outcome is on disk.

    Args:
        job: What to run.
        position: Which of how many jobs this is, for the log.
    """
    with job_log() as text:
        planned = plan_job(job)
        left = planned.left()
        to_run = [cell for cell in left if cell.state is not State.TO_SCORE]
        start = time.perf_counter()
        try:
            if to_run:
                _run(planned, to_run, text)
            for cell in left:
                if cell not in to_run:
                    score_record(cell.folder, Record.read(cell.folder), planned.parts)
        except Exception as error:  # a launcher's pool must survive every job
            log.error("%s: %s", type(error).__name__, error)  # noqa: TRY400  (traceback: in the record)
            for cell in to_run:
                if cell.state is not State.DONE and cell.state is not State.TO_SCORE:
                    _write_failed(planned, cell, error, text)
        log.info(
            "[%d/%d] %s (%.1f s)", *position, _title(planned.parts), time.perf_counter() - start
        )


def _run(planned: PlannedJob, cells: list[Cell], text: io.StringIO) -> None:
    parts, config = planned.parts, planned.job.config
    device = resolve_device(config)
    store = Store(config.runtime.cache)
    timer = Timer(device)
    timer.warm_up()
    gathered = gather(
        parts.target,
        [cell.layer for cell in cells],
        config.target.pooling,
        parts.probe,
        parts.encoder if "image_embeddings" in parts.method.needs else None,
        store=store,
        timer=timer,
        device=device,
        batch_size=config.runtime.batch_size,
        workers=config.runtime.workers,
        progress=config.runtime.progress,
    )
    costs = list(gathered.costs) if gathered.cached else []
    concept_embeddings = None
    if parts.encoder is not None and "concept_embeddings" in parts.method.needs:
        embedded = text_embeddings(
            parts.encoder, parts.words, store=store, timer=timer, device=device
        )
        concept_embeddings = embedded.embeddings
        costs += [embedded.cost] if embedded.cached else []
    shared = timer.records()
    for cell in cells:
        own = Timer(device)
        evidence = Evidence(
            activations=gathered.activations(cell.layer),
            concepts=parts.words,
            image_embeddings=gathered.image_embeddings(),
            concept_embeddings=concept_embeddings,
        )
        with own.phase("match", items=gathered.units[cell.layer]):
            labelling = parts.method.describe(evidence, seed=config.seed)
        dead = _dead(evidence)
        keep_scores(store, cell.key, labelling)
        record = measured_record(planned, cell, gathered, labelling, dead, device)
        folder = write_record(
            Path(config.results).expanduser(),
            record,
            descriptions=describe_table(labelling),
            texts={"run.log": text.getvalue(), "config.yaml": _config(planned)},
        )
        score_record(folder, record, parts, timer=own)
        append_timing(
            folder,
            {
                "hardware": hardware(device),
                "device": device,
                "repeats": 1,
                "units": gathered.units[cell.layer],
                "phases": [*shared, *own.records()],
                "evidence_cost": costs,
            },
        )


def _dead(evidence: Evidence) -> NDArray[np.bool_]:
    from baselines.similarity import live_units

    dead: NDArray[np.bool_] = ~live_units(evidence.activations).cpu().numpy()
    return dead


def _write_failed(planned: PlannedJob, cell: Cell, error: Exception, text: io.StringIO) -> None:
    record = failed_record(planned, cell, error)
    texts = {"run.log": text.getvalue(), "config.yaml": _config(planned)}
    write_record(Path(planned.job.config.results).expanduser(), record, texts=texts)


def _config(planned: PlannedJob) -> str:
    return OmegaConf.to_yaml(planned.job.config, resolve=True)


def _title(parts: Parts) -> str:
    def short(role: str, part: object) -> str:
        return title(parts.names[role], params_of(part))

    chosen = (
        short("method", parts.method),
        f"{short('target', parts.target)} {','.join(parts.layers)}",
        f"{short('concepts', parts.concepts)} ({len(parts.words):,})",
        f"{short('probe', parts.probe)} ({len(parts.probe):,})",
    )
    return " | ".join(chosen)
