"""Compute the key of a record again, from what record.json says of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.imports.record import VERSION
from bench.run.identity import label_key
from bench.run.judges import SelectionJudges
from bench.run.provenance import masks_fingerprint
from leaderboards.hashing import short_hash

if TYPE_CHECKING:
    from bench.run.judges import Judges
    from leaderboards.record import Record
    from leaderboards.verify.findings import Findings


def check_key(record: Record, judges: Judges, findings: Findings) -> None:
    """Compare the key with the hash of method, parts, layer and seed."""
    if record.is_imported:
        keys = _imported_keys(record)
    else:
        assert isinstance(judges, SelectionJudges)
        try:
            masks = masks_fingerprint(judges.selection)
        except UserError as error:
            findings.trust("key", f"the masks are unknown; {error.where}: {error.what}")
            return
        keys = recorded_keys(record, masks, uses_concepts=judges.selection.uses_concepts)
    if record.key not in keys:
        findings.differ(
            "record.json: key",
            f"{record.key} is not the hash of the method, parts, layer and seed, {keys[0]}",
        )


def recorded_keys(record: Record, masks: Any, *, uses_concepts: bool) -> list[str]:
    """Return the keys of measured labels, for the ways to read a layer that a record does not name.

    Args:
        record: The record.
        masks: Fingerprint of its masks; None where the method reads none.
        uses_concepts: Whether the candidate labels are the concept set.
    """
    target = record.target
    axes = target.get("axes", "")
    plain = {
        "axes": axes,
        **({"prefix_tokens": target.get("prefix_tokens")} if "T" in axes else {}),
    }
    token = {"axes": axes, "token": "class"}
    readings: list[dict[str, Any]] = [{}, {"reading": plain}, {"reading": token}]
    pooling = "max" if target["pooling"] == "max" else "avg"
    return [
        label_key(
            {name: record.method[name] for name in ("name", "params", "version")},
            {
                "fingerprint": target["fingerprint"],
                "layer": target["layer"],
                "precision": target["precision"],
                "pooling": pooling,
                **reading,
            },
            record.probe["fingerprint"],
            record.concepts["sha256"] if uses_concepts else "",
            record.encoder.get("fingerprint"),
            record.seed,
            masks,
            record.captioner.get("fingerprint"),
            language_model=record.language_model.get("fingerprint"),
            generator=record.generator.get("fingerprint"),
            tf32=bool(record.run.get("tf32")),
        )
        for reading in readings
    ]


def _imported_keys(record: Record) -> list[str]:
    names = {
        "method": record.method["name"],
        "target": record.target["name"],
        "layer": record.target["layer"],
    }
    content = {"import": VERSION, "sha256": record.run["sha256"], **names}
    read = {"columns": record.run["columns"], "vocabulary": record.method["vocabulary"]}
    return [short_hash({**content, **read, **lists}) for lists in ({}, {"lists": True})]
