"""Make the record of a cell: its parts with their fingerprints, counts and notes."""

from __future__ import annotations

import re
import sys
import traceback
from typing import TYPE_CHECKING, Any

from bench.config.schema import ROTATED
from bench.environment import environment
from bench.errors import UserError
from bench.networks.layout import Layout
from bench.run.candidates import explain_no_match
from bench.run.identity import fingerprint, params_of, target_notes
from bench.run.labels import labelled_units
from bench.run.provenance import describe_concepts, describe_given, describe_method
from bench.run.target_control import describe_control
from leaderboards.development import describe_tuning
from leaderboards.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from baselines.base import Labelling
    from bench.evidence import ProbeEvidence
    from bench.parts.protocols import (
        CaptionerPart,
        Encoder,
        GeneratorPart,
        LanguageModelPart,
        Probe,
        Segmenter,
    )
    from bench.run.plan import Cell, JobPlan
    from bench.run.selection import Selection
    from bench.run.signal import Signal

_PLACE = re.compile(r"^\+*(results|runtime(?!\.tf32=)|launcher|hydra)\b")
"""Overrides of where and how a cell runs, which decide nothing and may hold a user's paths."""

_LISTED = 100
"""Number of skipped images that a record lists; it counts all."""


def measured_record(
    plan: JobPlan,
    cell: Cell,
    gathered: ProbeEvidence,
    labelling: Labelling,
    signal: Signal,
    device: str,
) -> Record:
    """Return the record of a cell whose units were described.

    Args:
        plan: The job.
        cell: The cell.
        gathered: The evidence, whose sizes are recorded.
        labelling: The method's labels.
        signal: Which units have usable activations.
        device: Where the job ran, such as "cpu" or "cuda:0".
    """
    labelled = labelled_units(labelling)
    size = gathered.map_sizes[cell.layer]
    units = gathered.units[cell.layer]
    dead = signal.dead
    non_finite = int(signal.non_finite.sum())
    counts = {
        "units": units,
        "dead": int(dead.sum()),
        **({"non_finite": non_finite} if non_finite else {}),
        "unlabelled": int((~dead & ~labelled).sum()),
        **labelling.counts,
    }
    target = {
        **gathered.layouts[cell.layer].describe(),
        "units": units,
        "map_size": list(size) if size else None,
        "dead_units": [int(unit) for unit in dead.nonzero()[0]],
    }
    return _record(
        plan,
        cell,
        status="ok",
        target=target,
        counts=counts,
        notes=(
            *_concept_notes(plan),
            *_probe_notes(plan.selection.probe),
            *gathered.layouts[cell.layer].notes(cell.layer),
            *gathered.notes,
            *_reruns(gathered, cell),
            *target_notes(plan.selection.target),
            *signal.notes(),
            *labelling.notes,
            *filter(None, [explain_no_match(plan.selection, cell.layer)]),
        ),
        device=device,
        batch_size=gathered.batch_size,
    )


def _reading(selection: Selection, layer: str) -> dict[str, Any]:
    """Return how a layer's positions are pooled; as configured where its layout is unknown."""
    layout = selection.layouts[layer]
    if isinstance(layout, Layout):
        return {"pooling": layout.pooling}
    return {"pooling": selection.config.target.pooling}


def _directions(selection: Selection) -> dict[str, str]:
    if selection.config.target.control == ROTATED:  # described as the target's control
        return {}
    return {"directions": selection.directions.title()} if selection.directions else {}


def _concept_notes(plan: JobPlan) -> tuple[str, ...]:
    return plan.selection.concepts.notes() if plan.selection.uses_concepts else ()


def _probe_notes(probe: Probe) -> tuple[str, ...]:
    notes: Callable[[], tuple[str, ...]] = getattr(probe, "notes", tuple)
    return notes()


def _skipped(probe: Probe) -> dict[str, Any]:
    """Return the images that could not be read, for a probe set that skips such images."""
    if getattr(probe, "on_error", "fail") != "skip":
        return {}
    files = probe.skipped()  # type: ignore[attr-defined]
    return {"skipped": {"n": len(files), "files": list(files[:_LISTED])}}


def _reruns(gathered: ProbeEvidence, cell: Cell) -> tuple[str, ...]:
    if cell.layer not in gathered.reruns:
        return ()
    note = "maps above runtime.maps_limit_gb were not stored: the network ran anew for each reading"
    return (f"{note}, which the match phase holds",)


def _record(
    plan: JobPlan,
    cell: Cell,
    *,
    status: Any,
    target: dict[str, Any],
    counts: dict[str, int],
    notes: tuple[str, ...],
    device: str,
    batch_size: int | None = None,
    error: dict[str, str] | None = None,
) -> Record:
    """Return a record, with all that is the same for finished and failed cells."""
    selection, config = plan.selection, plan.job.config
    names, method = selection.names, type(selection.method)
    return Record(
        key=cell.key,
        board=config.board,
        status=status,
        origin="measured",
        method={
            **describe_method(selection),
            "source": method.source,
            "given": describe_given(selection),
            "vocabulary": method.vocabulary,
            **describe_tuning(config.tuned_on),
        },
        target={
            "name": names["target"],
            "params": {**params_of(selection.target), **_directions(selection)},
            "fingerprint": dict(selection.target_fingerprint),
            **describe_control(selection.target, config.target),
            "layer": cell.layer,
            **_reading(selection, cell.layer),
            "precision": config.target.precision,
            **target,
        },
        probe={
            "name": names["probe"],
            "params": params_of(selection.probe),
            "fingerprint": dict(fingerprint(selection.probe)),
            "n": len(selection.probe),
            **_skipped(selection.probe),
        },
        concepts=describe_concepts(selection),
        encoder=_model(names.get("encoder", ""), selection.encoder),
        segmenter=_model(names.get("segmenter", ""), selection.segmenter),
        captioner=_model(names.get("captioner", ""), selection.captioner),
        language_model=_model(names.get("language_model", ""), selection.language_model),
        generator=_model(names.get("generator", ""), selection.generator),
        seed=config.seed,
        run={
            "batch_size": batch_size or config.runtime.batch_size,
            "device": device,
            "workers": config.runtime.workers,
            "tf32": config.runtime.tf32,
            "overrides": [text for text in plan.job.overrides if not _PLACE.match(text)],
            "choices": dict(plan.job.choices),
        },
        environment={
            **environment(device),
            "device": device,
            "launcher": plan.job.launcher,
            "threads": config.runtime.threads or _torch_threads(),
        },
        counts=counts,
        notes=notes,
        error=error,
    )


def _torch_threads() -> int | None:
    """Return torch's threads on the CPU; None before torch is imported."""
    torch = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())


def _model(
    name: str,
    part: Encoder | Segmenter | CaptionerPart | LanguageModelPart | GeneratorPart | None,
) -> dict[str, Any]:
    if part is None:
        return {}
    return {
        "name": name,
        "params": params_of(part),
        "fingerprint": dict(fingerprint(part)),
    }


def failed_record(plan: JobPlan, cell: Cell, error: BaseException) -> Record:
    """Return the record of a cell that raised an error, with its traceback."""
    return _record(
        plan,
        cell,
        status="failed",
        target={},
        counts={},
        notes=(),
        device=plan.job.config.runtime.device,
        error={
            "type": type(error).__name__,
            "message": _message(error),
            "traceback": "".join(traceback.format_exception(error)),
        },
    )


def _message(error: BaseException) -> str:
    """Return an error's message, with its type where the message alone is unclear."""
    if isinstance(error, UserError | RuntimeError | ValueError | OSError) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")
