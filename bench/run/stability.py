"""Measure how often units keep their first label when the probe images are resampled.

The bootstrap (B. Efron, 1979) over images: N of the N images are drawn with replacement, and the
method describes the units again from the evidence on these images. No network runs.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from baselines.base import RESAMPLED
from bench.evidence import Store
from bench.networks.precision import set_precision
from bench.run.device import resolve_device
from bench.run.labels import describe_table, lists_by_unit
from bench.run.plan import State
from bench.run.results import write_stability
from bench.run.shared import gather_shared
from bench.timing import Timer
from leaderboards.record_tables import read_descriptions
from metrics.aggregate import average
from metrics.catalog import LABEL_STABILITY, METRICS
from metrics.scores import Score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from baselines.base import Evidence
    from bench.run.plan import Cell, JobPlan
    from bench.run.selection import Selection

log = logging.getLogger("bench.run")


def measure_stability(plan: JobPlan, cells: Iterable[Cell]) -> None:
    """Measure the stability of labels where the job asks for it, from the cached evidence.

    Write "stability.json" and "stability.csv.gz" beside the labels; where a method's evidence
    cannot be resampled, write the reason.

    Args:
        plan: The job.
        cells: Cells of the job; those that are not done, or were measured before, are skipped.
    """
    cells = [c for c in cells if plan.lacks_stability(c) and c.read_state() is State.DONE]
    if not cells:
        return
    selection, config = plan.selection, plan.job.config
    if others := sorted(selection.method.needs - RESAMPLED):
        for cell in cells:
            _write_reason(plan, cell, f"{', '.join(others)} cannot be resampled")
        return
    timer = Timer(resolve_device(config))
    layers = [cell.layer for cell in cells]
    shared = gather_shared(plan, layers, Store(config.runtime.cache), timer)
    describe = _first_labels(selection, config.seed)
    for cell in cells:
        if shared.maps and cell.layer in shared.gathered.reruns:
            _write_reason(plan, cell, "maps above runtime.maps_limit_gb are not stored")
            continue
        names, _ = lists_by_unit(read_descriptions(cell.folder), shared.units(cell.layer))
        labels = [own[0] if own else "" for own in names]
        resamples = draw_resamples(
            shared.gathered.n, config.runtime.bootstraps, config.scoring.seed
        )
        with set_precision(timer.device):
            shares = label_shares(describe, shared.evidence(cell.layer), labels, resamples)
        _write_shares(plan, cell, labels, shares)


def draw_resamples(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield resamples of n images with replacement: ascending positions, int64 [n].

    Equal for all methods and layers of a probe set, so that methods are compared on equal images.
    """
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.sort(rng.integers(n, size=n))


def label_shares(
    describe: Callable[[Evidence], Sequence[str]],
    evidence: Evidence,
    labels: Sequence[str],
    resamples: Iterable[NDArray[np.int64]],
) -> NDArray[np.float64]:
    """Return the share of resamples in which each unit keeps its label.

    Args:
        describe: Returns the first label of each unit [U], "" for none.
        evidence: On all images.
        labels: Labels from all images [U].
        resamples: Positions of images, at least one resample.

    Returns:
        Shares, float64 [U].
    """
    kept = [np.equal(describe(evidence.resample(indices)), labels) for indices in resamples]
    shares: NDArray[np.float64] = np.mean(kept, axis=0)
    return shares


def _first_labels(selection: Selection, seed: int) -> Callable[[Evidence], list[str]]:
    """Return a function from evidence to the first label of each unit, "" for none."""

    def describe(evidence: Evidence) -> list[str]:
        labelling = selection.method.describe(evidence, seed=seed)
        if selection.closed:  # mask labels without their suffixes
            labelling = dataclasses.replace(labelling, concepts=selection.words)
        names, _ = lists_by_unit(describe_table(labelling, 1), evidence.activations.shape[1])
        return [own[0] if own else "" for own in names]

    return describe


def _write_shares(
    plan: JobPlan, cell: Cell, labels: Sequence[str], shares: NDArray[np.float64]
) -> None:
    table = pd.DataFrame({"unit": range(len(labels)), "label": labels, "share": shares})
    table = table[table["label"] != ""]
    seed = plan.job.config.scoring.seed
    score = average(
        METRICS[LABEL_STABILITY],
        table["share"].to_numpy(dtype=np.float64),
        seed=seed,
        reason="no unit has a label",
    )
    write_stability(cell.folder, dataclasses.replace(score, detail=_detail(plan)), table)
    value = score.reason if score.value is None else f"{score.value:.3f}"
    resamples = plan.job.config.runtime.bootstraps
    log.info("%s: label stability %s (%d resamples)", cell.folder, value, resamples)


def _write_reason(plan: JobPlan, cell: Cell, reason: str) -> None:
    write_stability(cell.folder, Score(None, reason=reason, detail=_detail(plan)))
    log.warning("%s: labels are not resampled: %s", cell.folder, reason)


def _detail(plan: JobPlan) -> dict[str, int]:
    config = plan.job.config
    return {"resamples": config.runtime.bootstraps, "seed": config.scoring.seed}
