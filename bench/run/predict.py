"""Predict time, memory and disk space of the jobs of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.run.archive import results_folder
from bench.run.history import CALIBRATED, Estimate, History, Traits, describe
from bench.run.identity import fingerprint
from bench.run.plan import State
from bench.run.provenance import describe_method
from leaderboards.hashing import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from omegaconf import DictConfig

    from bench.run.plan import Cell, JobPlan

_SAMPLED = frozenset({"gather", "text", "match", "score"})
"""Phases that a sample is timed for; absent from its times where nothing is left to do."""

_GPU_DRIVER = Path("/proc/driver/nvidia")


@dataclass(frozen=True)
class Prediction:
    """Forecast costs of the cells that a job is to run.

    Attributes:
        plan: The job.
        phases: Time of each phase, in seconds. Evidence that an earlier job of the request makes
            takes no time; evidence in the cache counts as if it was missing.
        unknown: Phases whose time is not known. Scoring is left out where it is not known.
        memory: Most memory of the host and of the device, in bytes; None where it is not known.
    """

    plan: JobPlan
    phases: Mapping[str, Estimate] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    memory: tuple[int, int] | None = None

    @property
    def time(self) -> Estimate | None:
        """The time of all phases; None where that of one is not known."""
        return None if self.unknown else Estimate.total(self.phases.values())


def predict(
    plans: Sequence[JobPlan],
    history: History,
    calibrated: Sequence[Mapping[str, float | None]] | None = None,
) -> list[Prediction]:
    """Predict the costs of jobs, in order.

    Args:
        plans: The jobs.
        history: Timings of earlier runs.
        calibrated: For each job the time of its phases by a sample, in seconds; used where the
            history says nothing.
    """
    made: set[tuple[str, ...]] = set()
    found = []
    for number, plan in enumerate(plans):
        new = (State.TO_RUN, State.FAILED)
        cells = [cell for cell, state in plan.pending().items() if state in new]
        phases: dict[str, Estimate] = {}
        unknown: list[str] = []
        sample: Mapping[str, float | None] = calibrated[number] if calibrated else {}
        for phase, parts in _needed(plan, cells, made).items():
            known = [history.phase(part, phase) for part in parts]
            seconds = sample.get(phase, 0.0) if calibrated and phase in _SAMPLED else None
            if all(known):
                phases[phase] = Estimate.total(filter(None, known))
            elif seconds is not None:
                phases[phase] = Estimate.at(1, [(1, seconds)], CALIBRATED)
            elif phase != "score":  # seconds; not all timings have it
                unknown.append(phase)
        peaks = [history.memory(traits_of(plan, cell.layer)) for cell in cells]
        known_peaks = list(filter(None, peaks))
        memory = None
        if known_peaks:
            memory = max(host for host, _ in known_peaks), max(gpu for _, gpu in known_peaks)
        found.append(Prediction(plan, phases, tuple(unknown), memory))
    return found


def read_history(plans: Sequence[JobPlan]) -> History:
    """Read the timings in the folder of results of a request's jobs."""
    config = plans[0].job.config
    return History(results_folder(config.results), guess_device(config))


def guess_device(config: DictConfig) -> str:
    """Return the device of a configuration; import torch only where there may be a GPU."""
    asked = str(config.runtime.device)
    if asked == "auto" and _GPU_DRIVER.exists():
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"
    return "cpu" if asked == "auto" else asked


def traits_of(plan: JobPlan, layer: str) -> Traits:
    """Return what decides the cost of one of a job's cells."""
    selection = plan.selection
    method = describe_method(selection)
    return Traits(
        method=method["name"],
        params=canonical_json([method["name"], method["params"]]),
        target=describe(selection.target_fingerprint),
        layer=layer,
        encoder=describe(fingerprint(selection.encoder)) if selection.encoder else "",
        segmenter=describe(fingerprint(selection.segmenter)) if selection.segmenter else "",
        images=len(selection.probe),
        words=len(selection.words),
    )


def _needed(
    plan: JobPlan, cells: Sequence[Cell], made: set[tuple[str, ...]]
) -> dict[str, list[Traits]]:
    """Return the phases that cells need, and the traits of each time that a phase is run.

    Args:
        plan: The job.
        cells: Its cells to run.
        made: Evidence that earlier jobs make; that of this job is added.
    """
    each = [traits_of(plan, cell.layer) for cell in cells]
    phases: dict[str, list[Traits]] = {}
    if not each:
        return phases
    for phase, key in _evidence(plan, each[0], [cell.layer for cell in cells]):
        if key not in made:
            phases[phase] = each[:1]
        made.add(key)
    if "exemplars" in plan.selection.method.needs:
        phases["exemplars"] = each
    return phases | {"match": each, "score": each}


def _evidence(
    plan: JobPlan, traits: Traits, layers: Sequence[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the phases that gather what jobs share, with what decides their result."""
    needs, probe = plan.selection.method.needs, describe(fingerprint(plan.selection.probe))
    maps = str(bool({"maps", "exemplars"} & needs))
    encoder = traits.encoder if "image_embeddings" in needs else ""
    yield "gather", ("gather", traits.target, *layers, probe, maps, encoder)
    if traits.segmenter and plan.selection.segmented_probe is None:
        yield "segment", ("segment", traits.segmenter, probe)
    if "concept_embeddings" in needs:
        yield "text", ("text", traits.encoder, str(hash(plan.selection.words)))
