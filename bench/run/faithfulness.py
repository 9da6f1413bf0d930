"""Score the labels of a record by the activations that they predict on held-out images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.config.validate import directions_of, layout_settings
from bench.errors import UserError
from bench.evidence import EvidenceRequest, Store, gather
from bench.parts import catalog
from bench.run.build import build_part
from bench.run.device import execution_of, resolve_device
from bench.run.labels import lists_by_unit
from bench.run.presence import concept_presence, label_presence
from bench.run.target_control import apply_control
from bench.timing import Timer
from leaderboards.hashing import canonical_json
from metrics.faithfulness_scores import score_faithfulness
from metrics.observations import Observations

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from omegaconf import DictConfig

    from bench.parts.protocols import Probe
    from leaderboards.record import Record
    from metrics.scores import Score


class FaithfulnessResult(NamedTuple):
    """Scores of one record.

    Attributes:
        probe: The held-out images.
        scores: Score by metric.
    """

    probe: Probe
    scores: dict[str, Score]


def measure_faithfulness(
    record: Record,
    descriptions: pd.DataFrame,
    config: DictConfig,
    *,
    names: Sequence[str],
    alpha: float,
    chosen: bool = False,
) -> FaithfulnessResult:
    """Score a record's labels on held-out images whose concepts are known.

    Args:
        record: The record of the labels.
        descriptions: The labels: unit, rank, label, score.
        config: The record's configuration, with other settings of the probe set where wanted.
        names: Metrics, of `metrics.faithfulness.AGREEMENTS`.
        alpha: Share of the images on which a unit counts as active.
        chosen: Whether `config` says where the held-out images start; else they follow the
            record's own.

    Raises:
        UserError: The network or the images are not on this machine; the images are those that the
            labels were made with, or nothing is known of what they show.
    """
    device = resolve_device(config)
    probe = build_part(catalog.PROBES, config.probe, "probe")
    start = int(record.probe["params"].get("offset", 0))
    if not chosen:
        probe = _from_image(probe, start + record.probe["n"])
    elif _overlaps(probe, record, start):
        raise UserError(
            "some of these images are those that the labels were made with",
            where="probe",
            hint=f"probe.params.offset={start + record.probe['n']} leaves them out",
        )
    layer, units = record.target["layer"], record.target["units"]
    request = EvidenceRequest(
        apply_control(build_part(catalog.TARGETS, config.target, "target"), config.target),
        [layer],
        probe,
        layout=layout_settings(config),
        execution=execution_of(config, device),
        directions=directions_of(config),
    )
    gathered = gather(request, store=Store(config.runtime.cache), timer=Timer(device))
    concepts, presence = concept_presence(probe, Path(config.runtime.cache).expanduser())
    ranked, _ = lists_by_unit(descriptions, units)
    labels = [own[0] if own else "" for own in ranked]
    columns, presence = label_presence(labels, concepts, presence)
    observed = Observations(gathered.activations(layer).cpu().numpy(), presence, alpha)
    scores = score_faithfulness(
        observed, columns, len(concepts), names=names, seed=config.scoring.seed
    )
    return FaithfulnessResult(probe, scores)


def _from_image(probe: Probe, start: int) -> Probe:
    """Return as many images of a probe set's kind, from the one with the given number.

    Raises:
        UserError: The probe set cannot start at another image, or there are none.
    """
    if not isinstance(getattr(probe, "offset", None), int):
        raise UserError(
            "the images that follow those of the labels are unknown",
            where="probe",
            hint="choose others, such as probe.name=class_folder probe.params.path=IMAGES",
        )
    following: Probe = replace(probe, offset=start)  # type: ignore[type-var]
    return following


def _overlaps(probe: Probe, record: Record, start: int) -> bool:
    """Return whether a probe set has images of a record's, as far as fingerprints tell."""
    kinds = [
        {key: part[key] for key in sorted(part.keys() - {"n", "offset"})}
        for part in (probe.fingerprint(), record.probe["fingerprint"])
    ]
    own = getattr(probe, "offset", 0)
    apart = own >= start + record.probe["n"] or own + len(probe) <= start
    return canonical_json(kinds[0]) == canonical_json(kinds[1]) and not apart
