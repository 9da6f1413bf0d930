"""The record of imported labels, and the settings that they are scored by again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from bench.config.amend import amend
from bench.config.compose import expand
from bench.downloads.paths import require_file
from bench.environment import environment
from bench.files import sha256_file
from bench.parts.choice import CONF
from leaderboards.hashing import short_hash
from leaderboards.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.imports.labels import Columns, Labels
    from bench.imports.targets import Layer

VERSION = 1
"""Raised when a file of labels is read otherwise than before: keys change with it."""

NOT_KNOWN: dict[str, Any] = {"name": "unknown", "params": {}}
NOT_SAID = "not said"


@dataclass(frozen=True)
class Claim:
    """What an importer says of a file: whose labels of what they are.

    Attributes:
        file: Its path.
        method: Name of the row.
        target: Name of the network.
        layer: Name of its layer.
        source: Where the labels come from: paper, repository.
        given: What the method was given besides images.
    """

    file: str
    method: str
    target: str
    layer: str
    source: str = NOT_SAID
    given: str = NOT_SAID


def import_key(claim: Claim, columns: Columns, vocabulary: str, *, lists: bool = False) -> str:
    """Short hash of all that decides the labels: the file's content and how it is read."""
    content = sha256_file(require_file(claim.file, "FILE"))
    told = {"method": claim.method, "target": claim.target, "layer": claim.layer}
    read: dict[str, Any] = {"columns": asdict(columns), "vocabulary": vocabulary}
    if lists:  # a list was one label before
        read["lists"] = True
    return short_hash({"import": VERSION, "sha256": content, **told, **read})


def imported_record(
    claim: Claim, columns: Columns, labels: Labels, layer: Layer, board: str
) -> Record:
    """The record of a file's labels.

    What a run would know and a file does not say (weights, probe images, words to choose from,
    encoder, dead units) is "unknown".
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
            "version": None,
            "source": claim.source,
            "given": claim.given,
            "vocabulary": labels.vocabulary,
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
        probe={**NOT_KNOWN, "fingerprint": {"kind": "unknown"}, "n": None},
        concepts={**NOT_KNOWN, "sha256": None, "n": None},
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
    """The settings that scoring reads, whole as of a run; parts that are not known are "unknown".

    Args:
        claim: Of the labels.
        layer: What is known of their layer.
        board: Name of the board.
        results: Folder of results.
        official: Whether the official label rules count; None for the default.
        overrides: Of `scoring`, `target.truth` and `runtime`.

    Raises:
        UserError: An override is wrong.
    """
    [job] = expand([])
    # Plain, as one that is read back from a record: target and method bear names of no part.
    config = OmegaConf.create(OmegaConf.to_container(job.config))
    assert isinstance(config, DictConfig)
    for part in ("probe", "concepts", "encoder", "segmenter", "captioner"):
        config[part] = NOT_KNOWN
    config.method = {"name": claim.method, "params": {}}
    config.target.name, config.target.params = claim.target, {}
    config.target.truth = {"name": layer.truth, "params": {}}
    config.target.layers, config.target.truth_layer = [claim.layer], claim.layer
    config.board, config.results = board, results
    if official is not None:
        config.scoring.official_labels = official
    return amend(config, overrides, CONF)
