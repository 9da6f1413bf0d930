"""What a record says of a run: its parts with their fingerprints, counts and notes."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING, Any

from bench.environment import environment
from bench.errors import UserError
from bench.networks.layout import Layout
from bench.run.answers import why_none_right
from bench.run.identity import fingerprint, params_of, target_notes
from bench.run.labels import labelled_units
from leaderboards.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from baselines.base import Labelling
    from bench.evidence import ProbeEvidence
    from bench.parts.protocols import CaptionerPart, Encoder, Probe, Segmenter
    from bench.run.plan import Cell, PlannedJob
    from bench.run.selection import Parts
    from bench.run.signal import Signal

_PLACE = re.compile(r"^\+*(results|runtime(?!\.tf32=)|launcher|hydra)\b")
"""Overrides of where and how a cell runs: they decide nothing, and may hold a user's paths."""

_LISTED = 100
"""Images without a use that a record names; it counts all."""


def measured_record(
    planned: PlannedJob,
    cell: Cell,
    gathered: ProbeEvidence,
    labelling: Labelling,
    signal: Signal,
    device: str,
) -> Record:
    """The record of a cell that was described.

    Args:
        planned: The job.
        cell: Which of its layers.
        gathered: The evidence, of which the sizes are recorded.
        labelling: What the method said.
        signal: Which units have usable activations.
        device: What the run settled on, such as "cpu" or "cuda:0".
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
    found = {
        **gathered.layouts[cell.layer].describe(),
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
        notes=(
            *_concept_notes(planned),
            *_probe_notes(planned.parts.probe),
            *gathered.layouts[cell.layer].notes(cell.layer),
            *gathered.notes,
            *_reruns(gathered, cell),
            *target_notes(planned.parts.target),
            *signal.notes(),
            *labelling.notes,
            *filter(None, [why_none_right(planned.parts, cell.layer)]),
        ),
        device=device,
        batch_size=gathered.batch_size,
    )


def _reading(parts: Parts, layer: str) -> dict[str, Any]:
    """How a layer's positions are pooled; as it was asked for, where its layout is not known."""
    layout = parts.layouts[layer]
    if isinstance(layout, Layout):
        return {"pooling": layout.pooling}
    return {"pooling": parts.config.target.pooling}


def _concept_notes(planned: PlannedJob) -> tuple[str, ...]:
    return planned.parts.concepts.notes() if planned.parts.uses_concepts else ()


def _probe_notes(probe: Probe) -> tuple[str, ...]:
    told: Callable[[], tuple[str, ...]] = getattr(probe, "notes", tuple)
    return told()


def _skipped(probe: Probe) -> dict[str, Any]:
    """The images that cannot be read, of a probe set that leaves such out."""
    if getattr(probe, "on_error", "fail") != "skip":
        return {}
    files = probe.skipped()  # type: ignore[attr-defined]
    return {"skipped": {"n": len(files), "files": list(files[:_LISTED])}}


def _reruns(gathered: ProbeEvidence, cell: Cell) -> tuple[str, ...]:
    if cell.layer not in gathered.reruns:
        return ()
    told = "maps above runtime.maps_limit_gb were not stored: the network ran anew for each reading"
    return (f"{told}, which the match phase holds",)


def _shell(
    planned: PlannedJob,
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
    """A record with everything that stands in it whatever came of the run."""
    parts, config, names = planned.parts, planned.job.config, planned.parts.names
    method = type(parts.method)
    return Record(
        key=cell.key,
        board=config.board,
        status=status,
        origin="measured",
        method={
            **parts.describe_method(),
            "source": method.source,
            "given": parts.describe_given(),
            "vocabulary": method.vocabulary,
        },
        target={
            "name": names["target"],
            "params": params_of(parts.target),
            "fingerprint": dict(fingerprint(parts.target)),
            "layer": cell.layer,
            **_reading(parts, cell.layer),
            "precision": config.target.precision,
            **target,
        },
        probe={
            "name": names["probe"],
            "params": params_of(parts.probe),
            "fingerprint": dict(fingerprint(parts.probe)),
            "n": len(parts.probe),
            **_skipped(parts.probe),
        },
        concepts=parts.describe_concepts(),
        encoder=_network(names.get("encoder", ""), parts.encoder),
        segmenter=_network(names.get("segmenter", ""), parts.segmenter),
        captioner=_network(names.get("captioner", ""), parts.captioner),
        seed=config.seed,
        run={
            "batch_size": batch_size or config.runtime.batch_size,
            "device": device,
            "workers": config.runtime.workers,
            "tf32": config.runtime.tf32,
            "overrides": [text for text in planned.job.overrides if not _PLACE.match(text)],
            "choices": dict(planned.job.choices),
        },
        environment=environment(device),
        counts=counts,
        notes=notes,
        error=error,
    )


def _network(name: str, part: Encoder | Segmenter | CaptionerPart | None) -> dict[str, Any]:
    if part is None:
        return {}
    return {
        "name": name,
        "params": params_of(part),
        "fingerprint": dict(fingerprint(part)),
    }


def failed_record(planned: PlannedJob, cell: Cell, error: BaseException) -> Record:
    """The record of a cell that raised, with the traceback for whoever mends it."""
    return _shell(
        planned,
        cell,
        status="failed",
        target={},
        counts={},
        notes=(),
        device=planned.job.config.runtime.device,
        error={
            "type": type(error).__name__,
            "message": _message(error),
            "traceback": "".join(traceback.format_exception(error)),
        },
    )


def _message(error: BaseException) -> str:
    """What an error says, with its kind where that alone tells what it is."""
    if isinstance(error, UserError | RuntimeError | ValueError | OSError) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")
