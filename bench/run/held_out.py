"""Images that labels were not made with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.parts import catalog
from bench.run.build import build_part
from leaderboards.hashing import canonical_json

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from bench.parts.protocols import Probe
    from leaderboards.record import Record


def held_out(record: Record, config: DictConfig, chosen: bool) -> Probe:
    """Return the images on which labels are compared with units.

    Raises:
        UserError: Labels were made with some of them, or the images that follow are unknown.
    """
    probe = build_part(catalog.PROBES, config.probe, "probe")
    start = int(record.probe["params"].get("offset", 0))
    if not chosen:
        return _from_image(probe, start + record.probe["n"])
    if _overlaps(probe, record, start):
        raise UserError(
            "some of these images are those that the labels were made with",
            where="probe",
            hint=f"probe.params.offset={start + record.probe['n']} leaves them out",
        )
    return probe


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
