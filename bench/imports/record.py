"""Records of imported labels, and the settings of their scores."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from bench.config.amend import amend
from bench.config.compose import expand
from bench.downloads.paths import require_file
from bench.environment import environment
from bench.files import sha256_file
from bench.parts.choice import CONF
from leaderboards.development import describe_tuning
from leaderboards.hashing import short_hash
from leaderboards.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.imports.labels import Columns, Labels
    from bench.imports.targets import Layer

VERSION = 1
"""Incremented when equal files give other labels; part of the key."""

UNKNOWN: dict[str, Any] = {"name": "unknown", "params": {}}
NOT_STATED = "not said"


@dataclass(frozen=True)
class Claim:
    """Statements of the user about a file of labels.

    Attributes:
        file: Its path.
        method: Name of the row.
        target: Name of the network.
        layer: Name of its layer.
        source: Source of the labels: paper, repository.
        given: Data that the method had besides images.
        tuned_on: Units that its settings were tuned on: "dev" or "" (`tuned_on` of a run).
        version: Version of the method; None where it is not stated.
        submission: Authors, link, licence and hardware of a submission; empty for a bare file.
    """

    file: str
    method: str
    target: str
    layer: str
    source: str = NOT_STATED
    given: str = NOT_STATED
    tuned_on: str = ""
    version: str | None = None
    submission: Mapping[str, Any] = field(default_factory=dict)


def import_key(claim: Claim, columns: Columns, vocabulary: str, *, lists: bool = False) -> str:
    """Return the short hash of what decides the labels: content of the file, and its columns."""
    content = sha256_file(require_file(claim.file, "FILE"))
    names = {"method": claim.method, "target": claim.target, "layer": claim.layer}
    read: dict[str, Any] = {"columns": asdict(columns), "vocabulary": vocabulary}
    if lists:  # before, a list was read as one label
        read["lists"] = True
    return short_hash({"import": VERSION, "sha256": content, **names, **read})


def imported_record(
    claim: Claim, columns: Columns, labels: Labels, layer: Layer, board: str
) -> Record:
    """Return the record of a file's labels.

    What the file does not contain (weights, probe images, candidate labels, encoder, dead units) is
    "unknown".
    """
    labelled = int(labels.table["unit"].nunique())
    counts = {
        "units": layer.units,
        "units_in_file": len(labels.units),
        "unlabelled": len(labels.units) - labelled,
        "labels_per_unit": int(labels.table["rank"].max()),
    }
    return Record(
        key=import_key(claim, columns, labels.vocabulary, lists=labels.lists),
        board=board,
        status="ok",
        origin="imported",
        method={
            "name": claim.method,
            "params": {},
            "version": claim.version,
            "source": claim.source,
            "given": claim.given,
            "vocabulary": labels.vocabulary,
            **describe_tuning(claim.tuned_on),
            **({"submission": dict(claim.submission)} if claim.submission else {}),
        },
        target={
            "name": claim.target,
            "params": {},
            "fingerprint": {"kind": "named", "name": claim.target},
            "layer": claim.layer,
            "units": layer.units,
            "dead_units": [],
            "left_out": sorted(set(range(layer.units)) - set(labels.units)),
        },
        probe={**UNKNOWN, "fingerprint": {"kind": "unknown"}, "n": None},
        concepts={**UNKNOWN, "sha256": None, "n": None},
        encoder={},
        seed=0,
        run={
            "file": PurePath(claim.file).name,
            "sha256": sha256_file(Path(claim.file).expanduser()),
            "columns": asdict(columns),
        },
        environment=environment(),
        counts=counts,
        notes=("dead units are not known, so all count as live", *labels.notes),
    )


def import_config(
    claim: Claim,
    layer: Layer,
    *,
    board: str,
    results: str,
    official: bool | None,
    overrides: Sequence[str] = (),
) -> DictConfig:
    """Return the complete settings of a run, for scoring; unknown parts are named "unknown".

    Args:
        claim: The user's statements.
        layer: The layer of the labels.
        board: Name of the board.
        results: Folder of results.
        official: Whether to use the official label rules; None for the default.
        overrides: Overrides of `scoring`, `target.truth` and `runtime`.

    Raises:
        UserError: An override is wrong.
    """
    [job] = expand([])
    # Without types, as read from a record, since target and method are not registered parts.
    config = OmegaConf.create(OmegaConf.to_container(job.config))
    assert isinstance(config, DictConfig)
    for part in (
        "probe", "concepts", "encoder", "segmenter", "captioner", "language_model", "generator",
    ):  # fmt: skip
        config[part] = UNKNOWN
    config.method = {"name": claim.method, "params": {}}
    config.target.name, config.target.params = claim.target, {}
    config.target.truth = {"name": layer.truth, "params": {}}
    config.target.layers, config.target.truth_layer = [claim.layer], claim.layer
    config.board, config.results = board, results
    if official is not None:
        config.scoring.official_labels = official
    return amend(config, overrides, CONF)
