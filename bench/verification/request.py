"""Compare what record.json says of its parts with the configuration that made the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.run.identity import params_of
from bench.run.provenance import describe_concepts
from leaderboards.development import describe_tuning
from leaderboards.hashing import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.verification.judges import RecordedJudges
    from leaderboards.record import Record
    from leaderboards.verify.findings import Findings

_NETWORKS = ("encoder", "segmenter", "captioner", "language_model", "generator")
_MISSING = object()


def check_request(record: Record, judges: RecordedJudges, findings: Findings) -> None:
    """Compare names, parameters and `tuned_on` with those in config.yaml.

    The key contains fingerprints in their place, and boards show them. Parameters that only one
    release knows are left out.

    Args:
        record: A measured record.
        judges: Its judges, with its parts as config.yaml describes them.
        findings: Gets what differs.
    """
    selection = judges.selection
    tuned = describe_tuning(selection.config.tuned_on)
    if (own := record.method.get("tuned_on", "")) != (wanted := tuned.get("tuned_on", "")):
        _differ(findings, "method.tuned_on", own, wanted)
    for role in ("target", "probe", *_NETWORKS):
        part = getattr(selection, role)
        if part is not None:
            named = {"name": selection.names[role], "params": params_of(part)}
            _compare(role, getattr(record, role), named, findings)
    if judges.closed:
        _compare("concepts", record.concepts, describe_concepts(selection), findings)
    size = record.probe["fingerprint"].get("n", record.probe["n"])
    _compare("probe", record.probe, {"n": size}, findings)


def _compare(
    role: str, recorded: Mapping[str, Any], wanted: Mapping[str, Any], findings: Findings
) -> None:
    flat = {name: value for name, value in wanted.items() if name != "params"}
    for name, value in flat.items():
        own = recorded.get(name)
        if own != value:
            _differ(findings, f"{role}.{name}", own, value)
    params = recorded.get("params", {})
    for name, value in wanted.get("params", {}).items():
        own = params.get(name, _MISSING)
        if own is not _MISSING and canonical_json(own) != canonical_json(value):
            _differ(findings, f"{role}.params.{name}", own, value)


def _differ(findings: Findings, where: str, own: object, wanted: object) -> None:
    findings.differ(f"record.json: {where}", f"{own!r} instead of {wanted!r}, as in config.yaml")
