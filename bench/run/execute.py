"""Run one job: gather once, describe each layer, write and score its records."""

from __future__ import annotations

import io
import logging
import sys
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from baselines.base import Evidence
from bench.environment import environment, hardware
from bench.evidence import Store, gather, text_embeddings
from bench.run.device import resolve_device
from bench.run.keys import words_hash
from bench.run.labels import describe_table, keep_scores
from bench.run.parts import PRECISION, Parts, fingerprint, params_of
from bench.run.plan import Cell, PlannedJob, State, plan_job
from bench.run.scoring import score_record
from bench.timing import Timer
from leaderboards.record import Record
from leaderboards.storage import append_timing, write_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from baselines.base import Labelling
    from bench.config.compose import Job
    from bench.evidence import GatheredEvidence

log = logging.getLogger("bench.run")


def execute(job: Job, *, position: tuple[int, int] = (1, 1)) -> None:
    """Do what is left of a job. Never raises for a failed cell: the outcome is on disk.

    Args:
        job: What to run.
        position: Which of how many jobs this is, for the log.
    """
    with _logging() as text:
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
        except Exception as error:  # noqa: BLE001  (a launcher's pool must survive every job)
            log.error("%s: %s", type(error).__name__, error)
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
        record = _record(planned, cell, gathered, labelling, dead, device)
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


def _record(
    planned: PlannedJob,
    cell: Cell,
    gathered: GatheredEvidence,
    labelling: Labelling,
    dead: NDArray[np.bool_],
    device: str,
) -> Record:
    import torch

    labelled = torch.isfinite(labelling.scores).any(dim=1).cpu().numpy()
    size = gathered.map_sizes[cell.layer]
    units = gathered.units[cell.layer]
    counts = {
        "units": units,
        "dead": int(dead.sum()),
        "unlabelled": int((~dead & ~labelled).sum()),
        **labelling.counts,
    }
    found = {
        "units": units,
        "map_size": list(size) if size else None,
        "dead_units": [int(unit) for unit in dead.nonzero()[0]],
    }
    return _shell(
        planned,
        cell,
        status="ok",
        target=found,
        counts=counts,
        notes=(*planned.parts.concepts.notes(), *labelling.notes),
        device=device,
    )


def _shell(
    planned: PlannedJob,
    cell: Cell,
    *,
    status: Any,
    target: dict[str, Any],
    counts: dict[str, int],
    notes: tuple[str, ...],
    device: str,
    error: dict[str, str] | None = None,
) -> Record:
    """A record with everything that stands in it whatever came of the run."""
    parts, config, names = planned.parts, planned.job.config, planned.parts.names
    encoder = {}
    if parts.encoder is not None:
        encoder = {
            "name": names["encoder"],
            "params": params_of(parts.encoder),
            "fingerprint": dict(fingerprint(parts.encoder)),
        }
    method = type(parts.method)
    return Record(
        key=cell.key,
        board=config.board,
        status=status,
        origin="measured",
        method={
            **parts.describe_method(),
            "source": method.source,
            "given": method.given,
            "vocabulary": method.vocabulary,
        },
        target={
            "name": names["target"],
            "params": params_of(parts.target),
            "fingerprint": dict(fingerprint(parts.target)),
            "layer": cell.layer,
            "pooling": config.target.pooling,
            "precision": PRECISION,
            **target,
        },
        probe={
            "name": names["probe"],
            "params": params_of(parts.probe),
            "fingerprint": dict(fingerprint(parts.probe)),
            "n": len(parts.probe),
        },
        concepts={
            "name": names["concepts"],
            "params": params_of(parts.concepts),
            "sha256": words_hash(parts.words),
            "n": len(parts.words),
        },
        encoder=encoder,
        seed=config.seed,
        run={
            "batch_size": config.runtime.batch_size,
            "device": device,
            "workers": config.runtime.workers,
            "overrides": list(planned.job.overrides),
        },
        environment=environment(device),
        counts=counts,
        notes=notes,
        error=error,
    )


def _write_failed(planned: PlannedJob, cell: Cell, error: Exception, text: io.StringIO) -> None:
    record = _shell(
        planned,
        cell,
        status="failed",
        target={},
        counts={},
        notes=(),
        device=planned.job.config.runtime.device,
        error={
            "type": type(error).__name__,
            "message": str(error),
            "traceback": "".join(traceback.format_exception(error)),
        },
    )
    texts = {"run.log": text.getvalue(), "config.yaml": _config(planned)}
    write_record(Path(planned.job.config.results).expanduser(), record, texts=texts)


def _config(planned: PlannedJob) -> str:
    return OmegaConf.to_yaml(planned.job.config, resolve=True)


def _title(parts: Parts) -> str:
    def short(role: str, part: object) -> str:
        values = [str(value) for value in params_of(part).values() if value not in (None, "", ())]
        return " ".join([parts.names[role], *values[:2]])

    chosen = (
        short("method", parts.method),
        f"{short('target', parts.target)} {','.join(parts.layers)}",
        short("concepts", parts.concepts),
        short("probe", parts.probe),
    )
    return " | ".join(chosen)


@contextmanager
def _logging() -> Iterator[io.StringIO]:
    """Collect the job's log for run.log, and show it on standard error."""
    text = io.StringIO()
    handlers = [logging.StreamHandler(text), logging.StreamHandler(sys.stderr)]
    handlers[0].setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handlers[1].setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger("bench")
    before = (root.level, root.propagate)
    root.setLevel(logging.INFO)
    root.propagate = False
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield text
    finally:
        for handler in handlers:
            root.removeHandler(handler)
        root.level, root.propagate = before
